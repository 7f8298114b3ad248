// The rules of who is handed a token, and of what is owed and announced, each taken out of the source.
import { edit, handedOut, leaves, type Mutation } from './mutation.ts';

export const mutationsOfTokens: readonly Mutation[] = [
  {
    name: 'the row is read again after ACS issued',
    edits: [
      edit(
        'tokens.ts',
        "    if ((await this.#recheck(asked, first)) === 'good') return first;",
        '    return first;',
      ),
    ],
    scenario: 'a warm call and a ban',
    finds: handedOut,
  },
  {
    name: 'the second reading looks at access',
    edits: [
      edit(
        'admission.ts',
        '  admit(row, subject);\n  if (readyIdentity',
        '  requireFresh(row, subject);\n  if (readyIdentity',
      ),
    ],
    scenario: 'a warm call and a ban',
    finds: handedOut,
  },
  {
    name: 'the second reading looks at the bearer',
    edits: [
      edit(
        'admission.ts',
        '  admit(row, subject);\n  if (readyIdentity',
        "  if (row?.access === 'disabled') throw disabled();\n  if (readyIdentity",
      ),
    ],
    scenario: 'a call with an old bearer and a revocation of everything',
    finds: handedOut,
  },
  {
    name: 'the second reading compares the identity',
    edits: [
      edit(
        'admission.ts',
        'if (readyIdentity(row, here) !== identity)',
        'if (readyIdentity(row, here) === undefined)',
      ),
    ],
    scenario: 'a warm call, an erase and a first call',
    finds: handedOut,
  },
  {
    name: 'permission is not remembered with the identity',
    edits: [
      edit(
        'tokens.ts',
        '    const first = (await this.#warm(asked)) ?? (await this.#cold(asked));',
        '    const warm = await this.#warm(asked);\n    if (warm) return warm;\n    const first = await this.#cold(asked);',
      ),
    ],
    scenario: 'a warm call and a ban',
    finds: handedOut,
  },
  {
    name: 'a token that a revocation is about to end is not handed out',
    edits: [edit('tokens.ts', "return row?.owed === undefined ? 'good' : 'owed';", "return 'good';")],
    scenario: 'two revocations of everything with a call in between',
    finds: handedOut,
  },
  {
    name: 'a Teams token is handed out after the row was read again',
    edits: [
      edit(
        'tokens.ts',
        "    admit((await rows.read(rowKey, context.signal)).row, subject);\n    context.log.info('teams",
        "    context.log.info('teams",
      ),
    ],
    scenario: 'an exchange for Teams and a ban',
    finds: handedOut,
  },
  {
    name: 'what disables owes a revocation in the same write',
    edits: [edit('directory.ts', "!enabled && row?.lifecycle === 'ready' ? { owed: intent } : {}", '{}')],
    scenario: 'a warm call and a ban',
    finds: 'nobody holds a live token of a disabled user',
  },
  {
    name: 'what revokes everything owes it in the same write',
    edits: [edit('directory.ts', "...(row?.lifecycle === 'ready' ? { owed: intent } : {})", '')],
    scenario: 'a call with an old bearer and a revocation of everything',
    finds: 'what was revoked is dead',
  },
  {
    name: 'what marks a row deleting keeps its identities until they are deleted',
    edits: [
      edit(
        'directory.ts',
        "write(found, { ...taken, lifecycle: 'deleting' }",
        "write(found, { ...taken, ...noIdentity, previous: [], lifecycle: 'none' }",
      ),
    ],
    scenario: 'a first call and an erase',
    finds: leaves,
  },
  {
    name: 'a change is announced before it is written',
    edits: [
      edit(
        'changes.ts',
        '    await announce?.(base.now, asked);\n    if (await rows.write(rowKey, row, base, signal)) return result;',
        '    if (!(await rows.write(rowKey, row, base, signal))) continue;\n    await announce?.(base.now, asked);\n    return result;',
      ),
    ],
    scenario: 'a ban and an erase',
    finds: 'nothing stays owed',
  },
  {
    name: 'an announcement is renewed when it is old',
    edits: [edit('changes.ts', 'if (entry && sent < validUntil) return;', 'if (entry) return;')],
    scenario: 'an erase, and the timer of another resource',
    finds: 'nothing stays owed',
  },
  {
    name: 'a renewed announcement has a name of its own',
    edits: [
      edit('changes.ts', '    const id = `${rowKey}.${uuid()}`;\n', ''),
      edit(
        'changes.ts',
        '  let validUntil = 0;\n',
        '  let validUntil = 0;\n  const id = `${rowKey}.${uuid()}`;\n',
      ),
    ],
    scenario: 'an erase, and the timer of another resource',
    finds: 'nothing stays owed',
  },
  {
    name: 'a write is not begun under an announcement that took too long',
    edits: [edit('changes.ts', 'if (clock.monotonic() >= validUntil)', 'if (clock.monotonic() < 0)')],
    scenario: 'an erase, and the timer of another resource',
    finds: 'nothing stays owed',
  },
];
