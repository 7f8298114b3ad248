// Each job at its whole work, as its identity of the deployment: its roles let through all that it asks for, and nothing idle is in them.
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { Finding } from '../../cli/doctor/finding.ts';
import { lookHere } from '../../cli/doctor/here.ts';
import { demo } from '../../local/demo.ts';
import { dicomFile } from '../../local/dicomFiles.ts';
import { freePorts } from '../../local/ports.ts';
import { startCloud } from '../../local/standIns/cloud.ts';
import { credentialOf } from '../../local/standIns/credential.ts';
import { createChangeFeed } from '../../src/changeFeed/changeFeed.ts';
import { createCommunication } from '../../src/communication/communication.ts';
import { backendSubject } from '../../src/communication/subject.ts';
import { systemClock, type Clock } from '../../src/platform/clock.ts';
import { leaseRenewMs, tombstoneMs } from '../../src/platform/limits.ts';
import { createLog } from '../../src/platform/log.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { withinBudget, type Run } from '../../src/platform/run.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import type { Settings } from '../../src/platform/settings/types.ts';
import { createRotation } from '../../src/rotation/rotation.ts';
import { startStorage } from '../support/azurite.ts';
import { sample } from '../support/bundle.ts';
import { dicomResource } from '../support/dicom.ts';
import { setDateAhead } from '../support/shiftedDate.ts';
import { makeContents, settingNames } from './contents.ts';
import { StorageRights, vaultRights } from './rights.ts';
import { roles } from './tables.ts';

const log = createLog({ info: () => undefined, warn: () => undefined, error: () => undefined });
let aheadMs = 0;
const now = (): number => Date.now() + aheadMs;
const storage = await startStorage();
const cloud = await startCloud({ ports: freePorts, now });
after(() => cloud.close());
process.env['LOCAL_ROUTES'] = JSON.stringify(cloud.urls);
createRequire(import.meta.url)('../../local/preload.cjs');
// The Azure SDK reads them itself.
process.env['IDENTITY_ENDPOINT'] = `${cloud.urls.managedIdentity}/msi/token`;
process.env['IDENTITY_HEADER'] = demo.identityHeader;

/** A short wait sets the time ahead; a lease's renewal and a run's budget end by their signal alone. */
const clock: Clock = {
  ...systemClock,
  now,
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    if (ms < leaseRenewMs) aheadMs += ms;
    else if (signal) await once(signal, 'abort');
    signal?.throwIfAborted();
  },
};
const platform = createPlatform(clock, randomUUID);
const shutdown = new AbortController().signal;
const inRun = <T>(work: (run: Run) => Promise<T>): Promise<T> =>
  withinBudget({ requestId: randomUUID(), budgetMs: 240_000, clock, shutdown }, work);
const vault = new SecretClient(demo.vaultUrl, credentialOf(cloud, demo.managedIdentity));

before(async () => {
  await makeContents(storage.settings.connectionString.reveal());
  await vault.setSecret('webhook-key', randomBytes(32).toString('base64'));
});

interface Scene {
  readonly settings: Settings;
  /** What its requests to Key Vault needed. */
  readonly vaultRights: () => readonly string[];
  /** Fails where a role lets less pass than was asked for, or more. */
  readonly rolesFit: () => void;
}

/** The app's settings with storage that lets `job` do what its roles say. */
async function as(job: string, more: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const [state, deliveries] = ['state', 'deliveries'].map((of) => new StorageRights(job, of, settingNames));
  assert.ok(state && deliveries);
  const doors = await Promise.all([state, deliveries].map(({ decide }) => storage.account(decide)));
  const [STATE_STORAGE = '', CHANGE_FEED_STORAGE = ''] = doors.map((door) => door.connectionString.reveal());
  const first = cloud.log.list().length;
  return {
    settings: parseSettings({ ...sample, STATE_STORAGE, CHANGE_FEED_STORAGE, ...more }),
    vaultRights: () =>
      vaultRights(
        cloud.log
          .list()
          .slice(first)
          .filter(({ service }) => service === 'keyVault'),
      ),
    rolesFit: () => {
      for (const { granted, used, refused } of [state, deliveries]) {
        assert.deepEqual([...refused], []);
        assert.deepEqual([...used].sort(), [...granted].sort());
      }
    },
  };
}

/** What the doctor finds wrong with one job whose identity has its roles and no more. */
async function wrongWith(job: 'communication' | 'rotation' | 'changeFeed'): Promise<readonly Finding[]> {
  const { settings } = await as(job);
  const off = { state: 'off' } as const;
  const others = { communication: off, rotation: off, changeFeed: off };
  const findings = await lookHere({ ...settings, ...others, [job]: settings[job] }, platform);
  assert.ok(findings.some(({ check, verdict }) => check.startsWith('Storage: ') && verdict === 'ok'));
  return findings.filter(({ verdict }) => verdict === 'failed');
}

test('the doctor finds nothing wrong with identities that have their roles and no more', async () => {
  for (const job of ['communication', 'rotation', 'changeFeed'] as const)
    assert.deepEqual(await wrongWith(job), [], job);
});

test('the token service', async () => {
  const { settings, rolesFit, vaultRights } = await as('communication');
  assert.ok(settings.communication.state === 'on');
  const service = createCommunication(settings.communication.value, platform);
  const context = { log, signal: shutdown, requestId: 'a-request' };
  const user = backendSubject('a-user');
  await service.issue(user, {}, context);
  await service.revokeAll(user, 'key', context);
  await service.setAccess(user, { enabled: false }, 'key', context);
  await service.setAccess(user, { enabled: true }, 'key', context);
  const fault = cloud.faults.add({ service: 'communication', method: 'DELETE', effect: { status: 500 } });
  assert.equal(await service.erase(user, 'key', context), 'pending');
  cloud.faults.remove(fault);
  assert.equal(await service.erase(user, 'key', context), 'erased');
  // What is known of an erased user is kept for two days.
  setDateAhead(tombstoneMs + 60_000);
  const { failed, forgotten } = await service.cleanUp({ ...context, remainingMs: () => 60_000 });
  assert.deepEqual([failed, forgotten], [0, 1]);
  rolesFit();
  assert.deepEqual(vaultRights(), []);
});

/** As a person does it before this app comes: a secret of the application, by hand in the vault. */
async function storeByHand(): Promise<void> {
  const { token } =
    (await credentialOf(cloud, demo.managedIdentity).getToken('https://graph.microsoft.com/.default')) ?? {};
  const reply = await fetch(
    `${cloud.urls.graph}/v1.0/applications(appId='${demo.serviceClient.appId}')/addPassword`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ passwordCredential: { displayName: 'by hand' } }),
    },
  );
  const { secretText = '' } = (await reply.json()) as { readonly secretText?: string };
  aheadMs += 120_000;
  await vault.setSecret(demo.serviceClient.secretName, secretText);
}

test('the rotation', async () => {
  await storeByHand();
  const { settings, rolesFit, vaultRights } = await as('rotation');
  assert.ok(settings.rotation.state === 'on');
  const service = createRotation(settings.rotation.value, platform);
  const outcomes: string[] = [];
  for (const request of [{}, {}, { force: true, reason: 'a drill' }]) {
    const { clients } = await inRun((run) => service.run(request, { log, run, actor: 'key' }));
    outcomes.push(...clients.map(({ outcome }) => outcome));
  }
  const [report] = await service.reports({ log, signal: shutdown });
  assert.deepEqual([...outcomes, report?.outcome], ['adopted', 'noop', 'rotated', 'rotated']);
  rolesFit();
  assert.deepEqual(vaultRights(), roles.get('secretPublisher')?.dataActions.toSorted());
});

async function storeImage(study: string, letters = 0): Promise<void> {
  const { token } = (await credentialOf(cloud, demo.gateway).getToken(`${dicomResource}/.default`)) ?? {};
  const words = Array.from({ length: letters / 10_000 }, () => 'x'.repeat(10_000));
  const attributes = { '00081080': { vr: 'LO', Value: words } };
  const reply = await fetch(`${cloud.urls.dicom}/v2/studies`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/dicom' },
    body: new Uint8Array(dicomFile({ study, ...(letters ? { attributes } : {}) })),
  });
  assert.equal(reply.status, 200);
}

test('the change feed, with every sink', async () => {
  const { settings, rolesFit, vaultRights } = await as('changeFeed', {
    CHANGE_FEED_METADATA: 'full',
    CHANGE_FEED_WEBHOOK_AUTH: `hmac:${demo.vaultUrl}/secrets/webhook-key`,
  });
  assert.ok(settings.changeFeed.state === 'on');
  const service = createChangeFeed(settings.changeFeed.value, platform);
  const outcomeOf = async (): Promise<readonly unknown[]> => {
    const { services } = await inRun((run) => service.pull({ log, run }));
    return services.flatMap(({ outcome, cursor, deadLetters }) => [outcome, cursor, deadLetters]);
  };
  for (const study of ['one', 'two']) await storeImage(study);
  await storeImage('large', 60_000);
  assert.deepEqual(await outcomeOf(), ['caught_up', 3, 0]);
  const move = { service: demo.dicomUrl, sequence: 0, expect: 3, reason: 'again' };
  await inRun((run) => service.setCursor(move, 'key', { log, run }));
  assert.deepEqual(await outcomeOf(), ['caught_up', 3, 0]);
  const fault = cloud.faults.add({ service: 'subscriber', effect: { refuse: 4 } });
  await storeImage('refused');
  assert.deepEqual(await outcomeOf(), ['caught_up', 4, 1]);
  cloud.faults.remove(fault);
  const redrive = { reason: 'mended' };
  const { services } = await inRun((run) => service.redrive(redrive, 'key', { log, run }));
  assert.deepEqual(
    services.map(({ taken, remaining }) => [taken, remaining]),
    [[1, 0]],
  );
  const replay = { service: demo.dicomUrl, from: 1, reason: 'a new consumer' };
  const { id } = await inRun((run) => service.startReplay(replay, 'key', run));
  await outcomeOf();
  assert.equal((await service.replay(id)).state, 'done');
  rolesFit();
  const most = ['getSecret', 'readMetadata'].map((one) => `Microsoft.KeyVault/vaults/secrets/${one}/action`);
  assert.deepEqual(
    vaultRights().filter((right) => !most.includes(right)),
    [],
  );
});
