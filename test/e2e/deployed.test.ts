// The app with the package, the settings, the identities and the roles of a deployment: everything works, with no key anywhere.
import { BlobServiceClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { lookHere } from '../../cli/doctor/here.ts';
import { demo } from '../../local/demo.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { assertProblem, type Api } from '../support/api.ts';
import {
  azurite,
  cloud,
  front,
  identityEnvironment,
  identityOf,
  jobs,
  keys,
  monitor,
  people,
  rights,
  settings,
  startApp,
  strangers,
} from '../support/deployedApp.ts';
import { storeImages } from '../support/images.ts';
import { runTimer, until } from '../support/timers.ts';
import { token } from '../support/users.ts';

const root = join(import.meta.dirname, '..', '..');
const { api, host, output } = await startApp();

const details = z.looseObject({
  dependencies: z.array(
    z.looseObject({ name: z.string(), target: z.optional(z.string()), state: z.string() }),
  ),
});
const dependencies = async (of: Api): Promise<ReadonlyMap<string, string>> =>
  new Map(
    (await of.operation('GET', 'health/details'))
      .json(details)
      .dependencies.map(({ name, target, state }) => [
        target === undefined ? name : `${name} ${target}`,
        state,
      ]),
  );

describe('as deployed', () => {
  test('no setting holds a key, a secret or a connection string of a service', () => {
    for (const [name, value] of Object.entries(settings))
      assert.doesNotMatch(value, /AccountKey=|SharedAccess|accesskey=|sig=(?!local)|;Secret/i, name);
    assert.equal(settings['AzureWebJobsStorage'], undefined);
  });

  test('the token service hands out tokens, and erases', async () => {
    const issued = await api.operation('POST', 'users/nurse-1/tokens', {});
    assert.equal(issued.json(token).endpoint, demo.communicationEndpoint);
    assert.equal((await api.operation('DELETE', 'users/nurse-1')).status, 204);
  });

  test('the rotation publishes a secret that works', async () => {
    const reply = await api.whenFree('POST', 'rotations', { force: true, reason: 'a drill' });
    assert.equal(reply.status, 200, `${reply.text}\n${output()}`);
    assert.match(reply.text, /"outcome":"rotated"/);
  });

  test('changes arrive in container, queue and at the webhook', async () => {
    await storeImages({ azure: cloud.urls, demo: people }, ['one', 'two']);
    const reply = await api.whenFree('POST', 'change-feed/runs');
    assert.match(reply.text, /"outcome":"caught_up"/);
    const range = { service: demo.dicomUrl, from: 1, reason: 'a drill' };
    assert.equal((await api.operation('POST', 'change-feed/replays', range)).status, 202);
    assert.equal((await api.whenFree('POST', 'change-feed/runs')).status, 200);
    const delivered = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      'dicom-changes',
    );
    const found: string[] = [];
    for await (const { name } of delivered.listBlobsFlat()) found.push(name);
    assert.equal(found.length, 2, found.join());
    const sources = z.record(z.string(), z.object({ changes: z.number() }));
    const { subscriber } = await api.state(z.looseObject({ subscriber: sources }));
    assert.deepEqual(Object.values(subscriber), [{ changes: 2 }]);
  });

  test('each timer runs', async () => {
    const watched = { url: host.url, masterKey: keys.master, output };
    for (const name of ['cleanUpIdentities', 'rotateSecrets', 'pullChangeFeed'])
      await runTimer(watched, name);
  });

  test('everything behind the app is well, and each identity has signed in', async () => {
    const found = await dependencies(api);
    assert.deepEqual(
      [...found].filter(([, state]) => state !== 'ok'),
      [],
    );
    assert.ok(found.size > 15, [...found.keys()].join());
    for (const job of jobs) assert.equal(found.get(`signIn ${identityOf(job).clientId}`), 'ok', job);
    assert.equal((await api.plain('GET', 'health')).status, 200);
  });

  test('telemetry is sent as the host’s identity', async () => {
    await until(() => monitor.bearers.length > 0, output);
    for (const bearer of monitor.bearers) {
      const judged = await cloud.tokens.judge(
        `Bearer ${bearer}`,
        'https://monitor.azure.com',
        'https://monitor.azure.com/',
      );
      assert.ok(judged.ok);
      assert.equal(judged.claims['oid'], identityOf('host').principalId);
    }
  });

  test('the doctor finds nothing wrong, whether it asks the app or looks as each identity does', async () => {
    const env = { ...process.env, FUNCTION_APP_URL: host.url, FUNCTION_KEY: keys.function };
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['cli/doctor.ts', '--json'], { cwd: root, env });
    assert.match(stdout, /^\{"ok":true/);
    Object.assign(process.env, identityEnvironment);
    const seen = parseSettings({ ...settings, ...identityEnvironment });
    const findings = await lookHere(seen, createPlatform(systemClock, randomUUID));
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict === 'failed'),
      [],
    );
    assert.ok(
      findings.filter(({ check, verdict }) => check.startsWith('Storage') && verdict === 'ok').length > 10,
    );
  });

  test('nothing asked storage for what its role does not have, or without a sign-in', () => {
    assert.deepEqual([front.unsigned, strangers], [[], []]);
    const refused = [...rights.values()].flatMap((one) => [...one.refused]);
    assert.deepEqual(refused, []);
    assert.ok([...rights.values()].some(({ used }) => used.size > 3));
  });

  test('the identity of another job opens nothing, and the health says what mends it', async () => {
    const { clientId, principalId } = identityOf('rotation');
    const wrong = await startApp({ COMMUNICATION_CLIENT_ID: clientId });
    for (let calls = 0; calls < 3; calls += 1)
      assertProblem(await wrong.api.operation('POST', 'users/nurse-2/tokens', {}), 502, 'upstream_failed');
    assert.equal((await dependencies(wrong.api)).get('stateTables identities'), 'failing');
    const { refused } = rights.get(`${principalId} ststateabc`) ?? assert.fail();
    assert.deepEqual([...refused], ['table identities: GET']);
    assert.doesNotMatch(wrong.output(), /nurse-2|eyJ/);
  });
});
