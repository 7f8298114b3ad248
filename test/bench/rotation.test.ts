// The benchmark of the rotation: that it counts what was asked, and finds a client that is not as it should be.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { missed, type Section } from '../../bench/report.ts';
import { measureRotation, openRotationTestbed } from '../../bench/rotation.ts';
import { kindOf, wireFigures } from '../../bench/rotationWire.ts';
import { addFault } from '../../bench/standIns.ts';
import type { ServiceName } from '../../local/standIns/kit.ts';

const request = (service: ServiceName, method: string, path: string, status = 200) => ({
  ...{ service, method, path, status, number: 1, time: '' },
});
const noop = [
  request('graph', 'GET', "/v1.0/applications(appId='a')"),
  request('keyVault', 'GET', '/secrets/one/'),
  request('keyVault', 'GET', '/secrets/one/versions'),
  request('entra', 'POST', '/tenant/oauth2/v2.0/token'),
];
const extra = [
  request('keyVault', 'GET', '/secrets/one/', 401),
  request('managedIdentity', 'GET', '/msi/token'),
];

test('each request is counted for what it asks, and those of the process apart', () => {
  const kinds = ['application', 'secret', 'versions', 'probe', 'challenge', 'identity'];
  assert.deepEqual([...noop, ...extra].map(kindOf), kinds);
  for (const path of ["/v1.0/applications(appId='a')/owners", "/v1.0/servicePrincipals(appId='a')"])
    assert.equal(kindOf(request('graph', 'GET', path)), 'other');
  assert.equal(kindOf(request('keyVault', 'PUT', '/secrets/one')), 'other');
});

test('a fifth request of a client misses the aim', () => {
  const figuresOf = (...more: typeof noop): Section => ({
    title: 't',
    figures: wireFigures([...noop, ...noop, ...extra, ...more], { lease: 8, state: 8 }, 2),
  });
  assert.deepEqual(missed([figuresOf()]), []);
  const owners = request('graph', 'GET', "/v1.0/applications(appId='a')/owners");
  assert.deepEqual(missed([figuresOf(owners)]), ['t: Entra, Graph and Key Vault: requests per client']);
});

test('two clients are measured, and the one that Graph gives no secret is found', async () => {
  const testbed = await openRotationTestbed(2);
  try {
    const path = "9000-000000000001'\\)/addPassword$";
    const body = { error: { code: 'Authorization_RequestDenied', message: 'No.' } };
    await addFault(testbed.faults, { service: 'graph', path, effect: { status: 403, body } });
    const sections = await measureRotation(testbed, {
      ...{ clients: 2, users: 1, pairs: 1, changes: 1, progress: () => undefined },
    });
    const [due, idle] = sections.map(({ figures }) =>
      Object.fromEntries(figures.map(({ name, value }) => [name, value])),
    );
    assert.ok(due && idle);
    assert.deepEqual([due['rotated'], due['others'], idle['others']], [1, 1, 1]);
    // Three waits of 3 s between the proofs of the new secret. Four times storage and twice the others, 100 ms each.
    assert.ok((due['seconds'] ?? 0) >= 9 && (idle['seconds'] ?? 0) >= 0.55);
    assert.deepEqual([idle['application'], idle['secret'], idle['versions']], [1, 1, 1]);
    assert.ok((idle['lease'] ?? 0) >= 2 && (idle['state'] ?? 0) >= 1);
    assert.ok((due['memoryPeak'] ?? 0) >= (due['memoryBefore'] ?? 0));
    assert.deepEqual(
      missed(sections).map((line) => line.replace(/^.*ms: /, '')),
      ['all due: clients without', 'nothing to do: clients with something to do'],
    );
  } finally {
    await testbed.close();
  }
});

test('npm run bench knows it by its name', () => {
  const main = join(import.meta.dirname, '../../bench/main.ts');
  const { status, stderr } = spawnSync(process.execPath, [main, 'rotations'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^There is no benchmark "rotations"; there is: tokens, rotation, feed\.$/m);
});
