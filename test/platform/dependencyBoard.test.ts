// How a service behind the app counts as well, shaky, failing or unknown.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { cureOf, dependencyNames, needs, type FailureKind } from '../../src/platform/cures.ts';
import { SignInError } from '../../src/platform/credential.ts';
import { judgeStatus, type Dependency } from '../../src/platform/dependencies.ts';
import { DependencyBoard } from '../../src/platform/dependencyBoard.ts';
import { HealthBoard } from '../../src/platform/health.ts';
import { dependencyFailingMs, dependencyStaleMs } from '../../src/platform/limits.ts';
import { ManualClock } from '../support/clock.ts';

const vault: Dependency = { name: 'keyVault', base: () => 'https://x.vault.azure.net' };
const acs: Dependency = { name: 'communication', base: () => 'https://x.communication.azure.com' };
const identity: Dependency = { name: 'signIn', target: 'default' };

let clock: ManualClock;
let board: DependencyBoard;
beforeEach(() => {
  clock = new ManualClock();
  board = new DependencyBoard([vault, acs, identity], clock);
});

const stateOf = ({ name }: Dependency) => board.states().find((one) => one.name === name);
const refused = { failure: 'refused', code: 403 } as const;

test('nothing is known before the first answer, and an unused service fails nobody', () => {
  assert.deepEqual(stateOf(vault), { name: 'keyVault', state: 'unknown' });
  assert.ok(board.ok());
});

test('a failure or two are shaky, with what is wrong and what mends it; the next success ends that', () => {
  board.note(vault, refused);
  board.note(vault, refused);
  const { state, lastFailure } = stateOf(vault) ?? assert.fail();
  assert.equal(state, 'shaky');
  assert.equal(lastFailure?.code, 403);
  assert.match(lastFailure.problem, /^Key Vault refuses the app’s identity\.$/);
  assert.match(lastFailure.advice, /"Key Vault Secrets Officer"/);
  assert.ok(board.ok());
  board.note(vault, {});
  assert.equal(stateOf(vault)?.state, 'ok');
  assert.ok(stateOf(vault)?.lastFailure, 'what went wrong last is still told');
});

test('a service that refuses the app three times in a row is failing at once', () => {
  for (let time = 0; time < 3; time += 1) board.note(vault, refused);
  assert.equal(stateOf(vault)?.state, 'failing');
  assert.ok(!board.ok());
});

for (const failure of ['broken', 'silent', 'throttled', 'odd'] as const)
  test(`one that is ${failure} is failing only when nothing has succeeded for a minute`, async () => {
    for (let time = 0; time < 9; time += 1) board.note(vault, { failure });
    assert.equal(stateOf(vault)?.state, 'shaky', 'nine tries of one moment');
    await clock.advance(dependencyFailingMs);
    assert.equal(stateOf(vault)?.state, 'shaky', 'nobody has asked it since');
    board.note(vault, { failure });
    assert.equal(stateOf(vault)?.state, 'failing');
    board.note(vault, {});
    await clock.advance(dependencyFailingMs);
    for (let time = 0; time < 3; time += 1) board.note(vault, { failure });
    assert.equal(stateOf(vault)?.state, 'shaky', 'the minute begins with the first failure after a success');
  });

test('one that has failed for long stays failing for as long as it is asked', async () => {
  for (let time = 0; time < 4; time += 1) {
    board.note(vault, refused);
    await clock.advance(dependencyStaleMs / 2);
  }
  assert.equal(stateOf(vault)?.state, 'failing');
});

test('when it last worked and last failed is told, each by its own time', async () => {
  board.note(vault, {});
  await clock.advance(1000);
  board.note(vault, refused);
  const { lastSuccess, lastFailure } = stateOf(vault) ?? assert.fail();
  assert.deepEqual(
    [lastSuccess, lastFailure?.time],
    ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:01.000Z'],
  );
});

test('what was failing and is used no more is unknown after a while, so that the app can be taken into service again', async () => {
  for (let time = 0; time < 3; time += 1) board.note(vault, refused);
  await clock.advance(dependencyStaleMs);
  assert.ok(!board.ok());
  await clock.advance(1);
  assert.equal(stateOf(vault)?.state, 'unknown');
  assert.ok(board.ok());
});

test('one user who is refused again and again makes nothing failing; three users do', () => {
  for (let time = 0; time < 20; time += 1) board.note(acs, { ...refused, about: 'a user' });
  assert.equal(stateOf(acs)?.state, 'shaky');
  for (const about of ['another', 'a user', 'another', 'a user']) board.note(acs, { ...refused, about });
  assert.equal(stateOf(acs)?.state, 'shaky', 'two users in turn');
  board.note(acs, { ...refused, about: 'a third' });
  assert.equal(stateOf(acs)?.state, 'failing');
  board.note(acs, {});
  for (const about of ['a user', 'another', 'a third']) board.note(acs, { ...refused, about });
  assert.equal(stateOf(acs)?.state, 'failing', 'after a success each of them counts again');
});

test('a failed sign-in tells what was tried, of the identity that failed, and nothing of an unknown error', () => {
  board.noteSignIn({ managedIdentity: true }, new SignInError('Sign-in failed. Tried: x. Run `az login`.'));
  assert.match(stateOf(identity)?.lastFailure?.problem ?? '', /Run `az login`/);
  board.noteSignIn({ managedIdentity: true }, new Error('canary'));
  assert.doesNotMatch(JSON.stringify(board.states()), /canary/);
  board.noteSignIn({ managedIdentity: true });
  assert.equal(stateOf(identity)?.state, 'ok');
  board.noteSignIn({ managedIdentity: true, clientId: 'unheard-of' }, new Error());
  assert.equal(stateOf(identity)?.state, 'ok');
  for (let time = 0; time < 3; time += 1) board.noteSignIn({ managedIdentity: true }, new Error());
  assert.equal(stateOf(identity)?.state, 'failing', 'which does not pass by itself');
});

test('the health of the app is that of its parts and of what it stands on', () => {
  const health = new HealthBoard(clock, [vault]);
  assert.ok(health.ok());
  for (let time = 0; time < 3; time += 1) health.dependencies.note(vault, refused);
  assert.ok(!health.ok());
});

test('what could be an answer to a bad question says nothing against a service', () => {
  const fine = [200, 201, 204, 304, 400, 404, 409, 412, 413];
  for (const status of fine) assert.equal(judgeStatus('stateBlobs', status), undefined, String(status));
  const failures: readonly (readonly [number, FailureKind])[] = [
    ...([[401, 'refused'] as const, [403, 'refused'] as const, [429, 'throttled'] as const] as const),
    ...([[408, 'broken'] as const, [500, 'broken'] as const, [503, 'broken'] as const] as const),
  ];
  for (const [status, kind] of failures) assert.equal(judgeStatus('graph', status), kind, String(status));
  assert.equal(judgeStatus('dicom', 404), 'odd', 'no DICOM service is there');
  assert.equal(judgeStatus('issuer', 302), 'odd');
  for (const status of [300, 302])
    assert.equal(judgeStatus('webhook', status), 'odd', 'redirects are not followed');
  for (const status of [400, 413, 422])
    assert.equal(judgeStatus('webhook', status), undefined, 'a change is refused, the receiver works');
  assert.equal(judgeStatus('webhook', 404), 'odd', 'no receiver is there');
  assert.equal(judgeStatus('entra', 401), undefined, 'a rejected secret is an answer');
  assert.equal(judgeStatus('entra', 500), 'broken');
  assert.equal(judgeStatus('entra', 429), 'throttled');
});

test('every service has words and a cure for each way to fail, and a setting that says where it is', () => {
  for (const name of dependencyNames) {
    assert.match(needs[name].settings, /^[A-Z]/);
    for (const kind of ['refused', 'throttled', 'broken', 'silent', 'odd'] as const)
      assert.match(cureOf(name, kind), /\S{3}.*\.$/, `${name} ${kind}`);
    assert.ok(cureOf(name, 'silent').includes(needs[name].settings));
  }
});

test('who was deployed with roles of its own is not told to take wider ones first', () => {
  for (const name of dependencyNames) {
    const [first = '', wider] = cureOf(name, 'refused').split('az role assignment create');
    if (wider !== undefined)
      assert.match(first, /^Deployed with azd: azd provision --no-state, .*Otherwise: $/, name);
  }
});

test('what a firewall can refuse like a missing role is mended in two places', () => {
  // Azure docs: behind a closed firewall storage, vaults and DICOM services answer 403.
  const closed = dependencyNames.filter((name) => /Blobs|Tables|Queue|Vault|Key|dicom/.test(name));
  for (const name of closed) assert.match(cureOf(name, 'refused'), /firewall .*, Networking/, name);
});
