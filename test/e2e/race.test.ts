// Many first calls at once, over four host processes: one identity for each user, whatever becomes of a process meanwhile.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { importJWK, jwtVerify } from 'jose';
import { sha256Hex } from '../../src/platform/hash.ts';
import { claimLifeMs, cleanUpGraceMs, tombstoneMs } from '../../src/platform/limits.ts';
import { apiOf, problem, type Api, type Reply } from '../support/api.ts';
import { readIdentities, readOutbox, readRows, type DirectoryRow } from '../support/directoryState.ts';
import { startOwnStack, type OwnHost } from '../support/hosts.ts';
import { setDateAhead } from '../support/shiftedDate.ts';
import { signInNewUser, token, type User } from '../support/users.ts';

const { stack, startHost } = await startOwnStack({ TOKEN_REQUESTS_PER_MINUTE: '1000' });
const { cloud } = stack;
type Four<T> = readonly [T, T, T, T];
const hosts = (await Promise.all([startHost(), startHost(), startHost(), startHost()])) as Four<OwnHost>;
const apis = hosts.map((host) => apiOf(host.run)) as unknown as Four<Api>;
/** Number of the process that is asked, as the calls are dealt out. */
const processOf = (call: number): 0 | 1 | 2 | 3 => (call % 4) as 0 | 1 | 2 | 3;

const toCreate = { service: 'communication', method: 'POST', path: '^/identities$' };
const toDelete = { service: 'communication', method: 'DELETE', path: '^/identities/' };
afterEach(() => {
  cloud.faults.clear();
});

/** What ACS was asked from here on. */
function watchAcs() {
  const since = cloud.log.list().at(-1)?.number ?? 0;
  const asked = (path: RegExp) =>
    cloud.log.list('communication', since).filter((one) => one.method === 'POST' && path.test(one.path));
  return { creations: () => asked(/^\/identities$/), issues: () => asked(/:issueAccessToken$/) };
}

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await met()); tries += 1) {
    assert.ok(tries < 1000, 'it did not come about');
    await sleep(10);
  }
}

/** Resolves when every process has begun calls beyond those that it had begun before. */
function eachBegins(some: readonly OwnHost[]): Promise<void> {
  const begun = (host: OwnHost): number => host.output().split("Executing 'Functions.issueToken'").length;
  const before = some.map(begun);
  return until(() => some.every((host, index) => begun(host) > (before[index] ?? 0)));
}

const ask = (call: number, { bearer }: User): Promise<Reply> =>
  apis[processOf(call)].user('POST', 'tokens', { bearer });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Every answer is a good token of one and the same identity, which is answered. */
async function oneIdentity(replies: readonly Reply[]): Promise<string> {
  const key = await importJWK(cloud.tokens.jwk, 'RS256');
  const issued = replies.map((reply) => {
    assert.equal(reply.status, 200, reply.text);
    return reply.json(token);
  });
  const [identity = '', ...others] = new Set(issued.map(({ user }) => user.communicationUserId));
  assert.deepEqual(others, []);
  assert.equal(new Set(issued.map((one) => one.token)).size, replies.length);
  for (const one of issued) {
    const { payload } = await jwtVerify(one.token, key);
    assert.equal(payload['skypeid'], identity.replace(/^8:/, ''));
  }
  return identity;
}

async function rowOf({ userId }: User): Promise<DirectoryRow | undefined> {
  return (await readRows(stack)).find(({ rowKey }) => rowKey === sha256Hex(userId));
}

async function living(): Promise<readonly string[]> {
  return (await readIdentities(stack)).filter(({ deletedAt }) => deletedAt === undefined).map(({ id }) => id);
}

test('200 first calls of one user make one identity and 200 good tokens', async () => {
  const user = await signInNewUser(apis[0]);
  const acs = watchAcs();
  cloud.faults.add({ ...toCreate, effect: { delayMs: 1_500 } });
  const begin = eachBegins(hosts);
  const calls = times(200, (call) => ask(call, user));
  await begin;
  await until(() => acs.creations().length > 0);
  assert.deepEqual(
    acs.creations().map(({ status }) => status),
    [0],
    'every process has callers while the one creation is under way',
  );
  const identity = await oneIdentity(await Promise.all(calls));
  assert.equal(acs.creations().length, 1);
  assert.deepEqual(await living(), [identity]);
  const { lifecycle, identity: named, lostClaims } = (await rowOf(user)) ?? {};
  assert.deepEqual({ lifecycle, named, lostClaims }, { lifecycle: 'ready', named: identity, lostClaims: 0 });
  assert.equal((await readRows(stack)).length, 1);
  const [one] = await readIdentities(stack);
  assert.deepEqual([one?.liveTokens, acs.issues().length], [200, 200]);
});

test('20 users with ten first calls each get 20 identities', async () => {
  const users = await Promise.all(times(20, () => signInNewUser(apis[0])));
  const earlier = await living();
  const acs = watchAcs();
  cloud.faults.add({ ...toCreate, effect: { delayMs: 500 } });
  // Ten calls from each user, every one of which starts at another process.
  const calls = users.map((user, first) => Promise.all(times(10, (call) => ask(first + call, user))));
  const identities = await Promise.all((await Promise.all(calls)).map(oneIdentity));
  assert.equal(new Set(identities).size, 20);
  assert.equal(acs.creations().length, 20);
  assert.deepEqual(new Set(await living()), new Set([...earlier, ...identities]));
  for (const [index, user] of users.entries()) assert.equal((await rowOf(user))?.identity, identities[index]);
});

const erased: User[] = [];

test('calls that issue and calls that erase, for the same users at once, are served or told to ask again', async () => {
  erased.push(...(await Promise.all(times(8, () => signInNewUser(apis[0])))));
  cloud.faults.add({ ...toCreate, effect: { delayMs: 60 } });
  cloud.faults.add({ ...toDelete, effect: { delayMs: 60 } });
  const met = new Map<string, number>();
  const note = (reply: Reply): void => {
    const code = reply.status >= 400 ? reply.json(problem).code : '';
    const kind = `${String(reply.status)} ${code}`.trim();
    met.set(kind, (met.get(kind) ?? 0) + 1);
  };
  const round = (user: User, first: number): Promise<unknown> =>
    Promise.all([
      ...times(4, async (call) => {
        note(await ask(first + call, user));
      }),
      apis[processOf(first)].user('DELETE', 'identity', { bearer: user.bearer }).then(note),
    ]);
  await Promise.all(
    erased.map(async (user, index) => {
      for (let first = index; first < index + 4; first += 1) await round(user, first);
    }),
  );
  const allowed = ['200', '202', '204', '409 busy', '409 conflict'];
  assert.deepEqual(
    [...met.keys()].filter((kind) => !allowed.includes(kind)),
    [],
  );
  assert.ok((met.get('200') ?? 0) > 0 && (met.get('204') ?? 0) > 0, JSON.stringify([...met]));
});

/** As a client does: asks another process when its own is gone, and again when it is told to. */
async function untilServed(call: number, user: User, tries = 1): Promise<Reply> {
  const reply = await ask(call, user).catch(() => undefined);
  if (reply?.status === 200) return reply;
  assert.ok(tries < 5, 'nobody serves this caller');
  if (reply) {
    assert.deepEqual([reply.status, reply.json(problem).code], [409, 'busy']);
    assert.match(reply.headers.get('retry-after') ?? '', /^\d+$/);
  }
  await sleep(50);
  return untilServed(call + 1, user, tries + 1);
}

const orphans: string[] = [];

test('a process killed in the middle of a creation costs one possible orphan, and no caller a token', async () => {
  const user = await signInNewUser(apis[0]);
  const earlier = await living();
  const acs = watchAcs();
  cloud.faults.add({ ...toCreate, times: 1, effect: { delayMs: 3_000 } });
  const creator = untilServed(0, user);
  await until(() => acs.creations().length === 1);
  const begin = eachBegins(hosts);
  const calls = [creator, ...times(199, (call) => untilServed(call, user))];
  await begin;
  process.kill(hosts[0].pid ?? 0, 'SIGKILL');
  assert.match(await hosts[0].ended, /SIGKILL/);
  assert.equal(acs.creations().length, 1);
  // The store's clock decides when the claim of the dead process has expired.
  setDateAhead(claimLifeMs + 1_000);

  const identity = await oneIdentity(await Promise.all(calls));
  assert.equal((await rowOf(user))?.identity, identity);
  assert.equal((await rowOf(user))?.lostClaims, 1);
  // What the dead process had asked for comes about all the same, and nobody can name it.
  await until(async () => (await living()).length === earlier.length + 2);
  assert.equal(acs.creations().length, 2);
  orphans.push(...(await living()).filter((id) => id !== identity && !earlier.includes(id)));
  assert.equal(orphans.length, 1);
  const counted = hosts.flatMap(({ output }) => output().match(/"possible_orphan".*"claim expired"/g) ?? []);
  assert.equal(counted.length, 1);
});

/** Fires the timer on one host and answers its report. */
async function cleanUp({ run, output }: OwnHost): Promise<string> {
  const reports = (): readonly string[] => output().match(/\{"event":"identities_cleaned_up".*\}/g) ?? [];
  const before = reports().length;
  const headers = { 'x-functions-key': run.keys.master, 'content-type': 'application/json' };
  const url = `${run.host.url}/admin/functions/cleanUpIdentities`;
  assert.equal((await fetch(url, { method: 'POST', headers, body: '{}' })).status, 202);
  await until(() => reports().length > before);
  return reports().at(-1) ?? '';
}

test('the clean-up then leaves nothing owed: what lives in ACS is what the rows name, and the counted orphan', async () => {
  setDateAhead(cleanUpGraceMs + 1_000);
  assert.match(await cleanUp(hosts[1]), /"failed":0,"otherResource":0,"unreadable":0.*"finished":true/);
  const rows = await readRows(stack);
  for (const { lifecycle, owed } of rows) {
    assert.ok(lifecycle === 'ready' || lifecycle === 'none', lifecycle);
    assert.equal(owed, undefined);
  }
  const named = rows.flatMap(({ identity }) => identity ?? []);
  assert.deepEqual(new Set(await living()), new Set([...named, ...orphans]));
  assert.equal(new Set(named).size, named.length);

  // What is left in the outbox are the rows of erased users, which are forgotten when no bearer from before lives any more.
  setDateAhead(tombstoneMs + 1_000);
  await cleanUp(hosts[2]);
  assert.deepEqual(await readOutbox(stack), []);
  assert.ok((await readRows(stack)).every(({ lifecycle }) => lifecycle === 'ready'));
});
