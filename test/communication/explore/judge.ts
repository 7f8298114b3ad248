// The rules of the directory, judged at every write, at every answer and in every state.
import type { Actor } from './step.ts';
import { noRow, type Stored, type World } from './world.ts';

/** The row becomes another: called before it does. */
export function judgeWrite(world: World, row: Stored | undefined, by: Actor, now: number): void {
  const [before, after] = [world.row ?? noRow, row ?? noRow];
  judgeKept(world, after, by);
  const forgotten = row === undefined && now > before.changedOn + dayMs;
  const less = after.validFrom < before.validFrom || after.lostClaims < before.lostClaims;
  if (less && !forgotten) {
    world.violate('what refuses bearers and what is counted never goes back', by.doing);
  }
  if (after.identity !== undefined && after.identity !== before.identity) judgeRecord(world, after.identity);
  judgePromises(world, after, by);
}

const dayMs = 24 * 3_600_000;

/** What a write promises: how long a claim holds, and which tokens a revocation is to end. */
function judgePromises(world: World, after: Omit<Stored, 'entity'>, by: Actor): void {
  const before = world.row ?? noRow;
  if (after.claim && after.claim.writer !== before.claim?.writer) {
    world.claims.set(by.name, after.claim.until);
    world.claimedBy = after.writer;
  }
  if (after.owed !== undefined && after.owed !== before.owed) {
    for (const token of world.liveTokens(after.names.slice(0, 1))) world.mustDie.add(token);
  }
}

function judgeKept(world: World, after: Omit<Stored, 'entity'>, by: Actor): void {
  const before = world.row ?? noRow;
  for (const id of before.names) {
    if (after.names.includes(id) || !world.identities.has(id)) continue;
    world.violate('an identity leaves the row only when its own resource has no such identity', id);
  }
  if (before.access === 'disabled' && after.access !== 'disabled' && by.doing !== 'enable') {
    world.violate('nobody but who enables lifts a ban', by.doing);
  }
}

function judgeRecord(world: World, identity: string): void {
  world.durable.add(identity);
  if (world.erasedClaims.has(world.claimedBy)) {
    world.violate('what an erased claim created is never recorded', identity);
  }
  if (world.strays().includes(identity)) {
    world.violate('the outbox names no identity of the row as a stray', identity);
  }
}

export function judgeState(world: World): void {
  const { identities, deleted, held } = world;
  const row = world.row ?? noRow;
  const living = [...identities.values()].filter(
    ({ tokens, denied }) => !denied && [...tokens].some((token) => held.has(token)),
  );
  if (new Set(living.map(({ resource }) => resource)).size < living.length) {
    world.violate('one living identity has tokens, per user and resource', `${living.length} have`);
  }
  for (const id of row.names) {
    if (row.lifecycle === 'ready' && id === row.identity && deleted.has(id)) {
      world.violate('no identity that the row is ready with is deleted', id);
    }
    const known = identities.get(id);
    if (known && known.resource !== row.resource) {
      world.violate('the row names identities of its own resource', id);
    }
  }
}

/** What a caller got, and with which bearer: when that was issued, seconds since 1970. */
export interface HandedOut {
  readonly token: string;
  /** None where ACS keeps none, as for Teams. */
  readonly identity?: string;
  readonly issuedAt: number | undefined;
}

export function judgeHandOut(world: World, { token, identity, issuedAt = Infinity }: HandedOut): void {
  const row = world.row ?? noRow;
  world.held.add(token);
  const allowed = row.access !== 'disabled' && issuedAt >= row.validFrom;
  const settled = row.lifecycle === 'ready' && row.owed === undefined;
  const same = identity === undefined || (settled && row.identity === identity);
  if (!allowed || !same) {
    world.violate(
      'a token is handed out only while the row is ready, enabled, names that identity and takes the bearer',
      identity ?? 'of Teams',
    );
  }
  if (issuedAt <= world.revokedUpTo) {
    world.violate('a bearer from before everything was revoked gets nothing', identity ?? 'of Teams');
  }
}
