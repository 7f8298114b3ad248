// The rules of claims, records, resources and erasing, each taken out of the source.
import { edit, leaves, orphan, type Mutation } from './mutation.ts';

export const mutationsOfIdentities: readonly Mutation[] = [
  {
    name: 'a refused write is judged by reading the row again, which names its writer',
    edits: [edit('identityTable.ts', 'if (again.writer === writer) return true;', '')],
    scenario: 'a first call and an erase',
    finds: 'a refused write is none that landed',
  },
  {
    name: 'a record that looks refused is judged by what the row names',
    edits: [edit('directory.ts', "if (row && names(row, identity)) return keep('recorded');", '')],
    scenario: 'a first call and a ban',
    finds: 'the outbox names no identity of the row as a stray',
  },
  {
    name: 'an identity that lost its claim goes to the outbox before it is deleted',
    edits: [edit('identities.ts', '    await outbox.add(entry);\n', '')],
    scenario: 'a first call and an erase',
    finds: 'an identity is written down before it is deleted',
  },
  {
    name: 'an identity is recorded only under the claim of its creator',
    edits: [edit('directory.ts', "if (row?.claim?.writer !== writer) return keep('lost');", '')],
    scenario: 'a first call and an erase',
    finds: 'what an erased claim created is never recorded',
  },
  {
    name: 'an erase takes a pending claim away',
    edits: [
      edit(
        'directory.ts',
        "if (!row || (row.lifecycle === 'none' && !owns(row))) return keep",
        'if (!row || !owns(row)) return keep',
      ),
    ],
    scenario: 'a first call and an erase',
    finds: 'what an erased claim created is never recorded',
  },
  {
    name: 'a claim that is taken away counts as a possible orphan',
    edits: [
      edit(
        'directory.ts',
        'const taken = lost ? withoutClaim(row, true) : {};',
        'const taken = lost ? withoutClaim(row, false) : {};',
      ),
    ],
    scenario: 'a first call and an erase',
    finds: orphan,
  },
  {
    name: 'a takeover is counted in the row',
    edits: [edit('directory.ts', 'lostClaims: row.lostClaims + (row.claim ? 1 : 0),', '')],
    scenario: 'two first calls',
    finds: orphan,
  },
  {
    name: 'a claim that the timer takes away is counted in the row',
    edits: [
      edit(
        'directory.ts',
        "write(found, withoutClaim(row, true), 'expired')",
        "write(found, withoutClaim(row, false), 'expired')",
      ),
    ],
    scenario: 'a first call and a ban',
    finds: orphan,
  },
  {
    name: 'a creation that was not answered is counted in the row',
    edits: [edit('identities.ts', "created.kind === 'unknown');", 'false);')],
    scenario: 'two first calls',
    finds: orphan,
  },
  {
    name: 'no create is sent after its deadline',
    edits: [edit('identities.ts', 'if (clock.monotonic() > sendBy)', 'if (clock.monotonic() < 0)')],
    scenario: 'two first calls, slow',
    finds: 'a create is sent only while its claim outlives it',
  },
  {
    name: 'an erase counts only at the resource of the row',
    edits: [edit('work.ts', 'return row.resource === here\n', "return row.resource !== ''\n")],
    scenario: 'an erase for another resource',
    finds: leaves,
  },
  {
    name: 'a stray is deleted only at its own resource',
    edits: [edit('settle.ts', 'if (stray.resource !== directory.here) throw ofOtherResource();', '')],
    scenario: 'a first call and an erase, and another resource for a while',
    finds: orphan,
  },
  {
    name: 'a revocation counts only at the resource of the row',
    edits: [edit('work.ts', 'return resource === here ?', "return resource !== '' ?")],
    scenario: 'a ban, and another resource for a while',
    finds: 'what was revoked is dead',
  },
  {
    name: 'a user revokes only at the resource of the row',
    edits: [edit('tokens.ts', 'if (row.resource !== directory.here) throw ofOtherResource();', '')],
    scenario: 'first calls of two resources',
    finds: 'what was revoked is dead',
  },
  {
    name: 'a user’s tokens are revoked also while he is erased',
    edits: [
      edit(
        'tokens.ts',
        'if (row?.identity === undefined) return;',
        "if (row?.identity === undefined || row.lifecycle === 'deleting') return;",
      ),
    ],
    scenario: 'a user revokes while he is erased',
    finds: 'what was revoked is dead',
  },
  {
    name: 'another resource is named, not taken for a lost identity',
    edits: [edit('admission.ts', 'if (row.resource !== here) throw ofOtherResource();', '')],
    scenario: 'first calls of two resources',
    finds: 'in the end the user is served as the row says',
  },
  {
    name: 'a repair never applies to another resource',
    edits: [edit('directory.ts', 'if (owns(row) && row.resource !== here) throw ofOtherResource();', '')],
    scenario: 'first calls of two resources',
    finds: 'the row names identities of its own resource',
  },
  {
    name: 'a replaced identity stays in the row',
    edits: [edit('directory.ts', '{ previous: replaced(row, row.identity), cycles', '{ cycles')],
    scenario: 'ACS denies an identity to two calls',
    finds: leaves,
  },
  {
    name: 'a replaced identity is erased with its replacement',
    edits: [
      edit(
        'work.ts',
        'identities: identitiesOf(row) }',
        'identities: row.identity === undefined ? [] : [row.identity] }',
      ),
    ],
    scenario: 'ACS denies an identity that is erased meanwhile',
    finds: 'nothing stays owed',
  },
  {
    name: 'an erasure is confirmed only for the identities that were deleted',
    edits: [edit('directory.ts', ' || !identitiesOf(row).every((id) => gone.includes(id))', '')],
    scenario: 'a user is erased twice and gets a new identity in between',
    finds: leaves,
  },
  {
    name: 'a revocation is confirmed only for its own intent',
    edits: [edit('directory.ts', 'found.row?.owed === owed ?', 'found.row?.owed !== undefined ?')],
    scenario: 'two revocations of everything with a call in between',
    finds: 'what was revoked is dead',
  },
  {
    name: 'a ban survives an erase',
    edits: [
      edit(
        'directory.ts',
        'const erased = { ...noIdentity, lifecycle',
        "const erased = { ...noIdentity, access: 'enabled', lifecycle",
      ),
    ],
    scenario: 'a ban and an erase',
    finds: 'nobody but who enables lifts a ban',
  },
  {
    name: 'a banned user is never forgotten',
    edits: [edit('work.ts', "access === 'disabled' || ", '')],
    scenario: 'a first call and a ban',
    finds: 'nobody but who enables lifts a ban',
  },
  {
    name: 'what refuses old bearers survives an erase',
    edits: [
      edit(
        'directory.ts',
        'const erased = { ...noIdentity, lifecycle',
        'const erased = { ...noIdentity, tokensValidFrom: undefined, lifecycle',
      ),
    ],
    scenario: 'an erase after a revocation of everything',
    finds: 'what refuses bearers and what is counted never goes back',
  },
  {
    name: 'the clean-up reads the row before it deletes a stray',
    edits: [edit('settle.ts', 'if (!row || !names(row, stray.identity))', 'if (!row || stray.identity)')],
    scenario: 'a stray that the row names after all',
    finds: 'no identity that the row is ready with is deleted',
  },
];
