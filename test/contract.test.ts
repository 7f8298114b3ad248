// What the built bundle registers: every function's name, route, method, auth level and schedule, for each set of settings.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as z from 'zod/mini';
import { registered, sample } from './support/bundle.ts';

const root = join(import.meta.dirname, '..');

const health = ['health: GET health anonymous', 'healthDetails: GET health/details function'];
const backend = [
  'cleanUpIdentities: timer 0 */5 * * * *',
  'eraseUser: DELETE users/{userId} function',
  'getUser: GET users/{userId} function',
  'issueUserToken: POST users/{userId}/tokens function',
  'revokeUserTokens: DELETE users/{userId}/tokens function',
  'setUserAccess: PUT users/{userId}/access function',
];
const selfService = [
  'getIdentity: GET identity anonymous',
  'issueToken: POST tokens anonymous',
  'revokeTokens: DELETE tokens anonymous',
];
const bySetting = [
  'eraseIdentity: DELETE identity anonymous',
  'exchangeTeamsToken: POST teams-tokens anonymous',
];
const rotation = [
  'getRotations: GET rotations function',
  'rotateSecrets: timer 0 7 * * * *',
  'runRotation: POST rotations function',
];
const changeFeed = [
  'cancelReplay: DELETE change-feed/replays/{id} function',
  'getChangeFeed: GET change-feed function',
  'getReplay: GET change-feed/replays/{id} function',
  'pullChangeFeed: timer 0 * * * * *',
  'redriveDeadLetters: POST change-feed/dead-letters/redrive function',
  'runChangeFeed: POST change-feed/runs function',
  'setCursor: PUT change-feed/cursor function',
  'startReplay: POST change-feed/replays function',
];
const everything = [...health, ...backend, ...selfService, ...bySetting, ...rotation, ...changeFeed].sort();

function without(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(sample).filter(([name]) => !names.includes(name)));
}

describe('the bundle registers', () => {
  test('everything with the sample settings', () => {
    assert.deepEqual(registered(sample).lines, everything);
  });

  test('only health without any setting, and says in a line each what is off', () => {
    const { lines, console } = registered({});
    assert.deepEqual(lines, health);
    for (const name of ['communication', 'rotation', 'changeFeed'])
      assert.match(console, new RegExp(`${name}: off`));
  });

  test('only the backend routes of the token service without an issuer and an audience', () => {
    const { lines } = registered(without('AUTH_ISSUER', 'AUTH_AUDIENCE', 'TEAMS_CLIENT_ID'));
    assert.deepEqual(lines, [...health, ...backend, ...rotation, ...changeFeed].sort());
  });

  test('no self-erasure and no Teams exchange unless a setting says so', () => {
    const { lines } = registered(without('SELF_ERASE', 'TEAMS_CLIENT_ID'));
    assert.deepEqual(
      lines,
      everything.filter((line) => !bySetting.includes(line)),
    );
  });

  test('each capability alone', () => {
    const rest = ['TEAMS_CLIENT_ID', 'AUTH_BACKEND_ROLE', 'COMMUNICATION_SERVICES_ENDPOINT'];
    const feed = ['DICOM_SERVICE_URL', 'CHANGE_FEED_START'];
    const secrets = [
      'KEY_VAULT_URL',
      'SERVICE_CLIENT_APP_ID',
      'SERVICE_CLIENT_TENANT_ID',
      'SERVICE_CLIENT_SECRET_NAME',
    ];
    assert.deepEqual(registered(without(...rest, ...feed)).lines, [...health, ...rotation].sort());
    assert.deepEqual(registered(without(...rest, ...secrets)).lines, [...health, ...changeFeed].sort());
    assert.deepEqual(
      registered(without(...feed, ...secrets)).lines,
      [...health, ...backend, ...selfService, ...bySetting].sort(),
    );
  });

  test('a misconfigured capability with its default schedule, and names every problem in one message', () => {
    const { lines, console } = registered({
      ...sample,
      CHANGE_FEED_SCHEDULE: 'often',
      CHANGE_FEED_START: 'yesterday',
    });
    assert.deepEqual(lines, everything);
    assert.match(
      console,
      /Settings with problems: 2\n {2}CHANGE_FEED_START: found "yesterday".*\n {2}CHANGE_FEED_SCHEDULE: found "often"/,
    );
  });

  test('a schedule of one’s own', () => {
    assert.ok(
      registered({ ...sample, ROTATION_SCHEDULE: '0 0 3 * * *' }).lines.includes(
        'rotateSecrets: timer 0 0 3 * * *',
      ),
    );
  });
});

describe('no two functions', () => {
  interface Route {
    readonly name: string;
    readonly method: string;
    readonly segments: readonly string[];
  }
  const routes: readonly Route[] = everything
    .map((line) => /^(\w+): ([A-Z]+) (\S+) /.exec(line))
    .filter((match) => match !== null)
    .map(([, name = '', method = '', route = '']) => ({ name, method, segments: route.split('/') }));

  /** True when some request fits both: the host sorts by function name, not by how specific a route is. */
  function overlap(one: Route, other: Route): boolean {
    const sameLength = one.segments.length === other.segments.length;
    const fits = (left = '', right = ''): boolean =>
      left === right || [left, right].some((part) => part.startsWith('{'));
    return (
      sameLength &&
      one.method === other.method &&
      one.segments.every((part, at) => fits(part, other.segments[at]))
    );
  }

  test('can be meant by the same request', () => {
    assert.ok(routes.length > 10);
    for (const [at, one] of routes.entries()) {
      for (const other of routes.slice(at + 1))
        assert.equal(overlap(one, other), false, `${one.name}, ${other.name}`);
    }
    const me = { name: 'getMe', method: 'GET', segments: ['users', 'me'] };
    assert.ok(routes.some((route) => overlap(me, route)));
  });
});

test('the host needs no extension bundle and has a time limit', () => {
  const host = z
    .looseObject({ functionTimeout: z.string() })
    .parse(JSON.parse(readFileSync(join(root, 'host.json'), 'utf8')));
  assert.equal('extensionBundle' in host, false);
  assert.match(host.functionTimeout, /^\d\d:\d\d:\d\d$/);
});
