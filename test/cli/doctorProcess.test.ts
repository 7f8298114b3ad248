// `npm run doctor` and `npm run audit` as people and pipelines call them, beside the packaged app with a permission taken away.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import * as z from 'zod/mini';
import { detailsShape } from '../../cli/doctor/details.ts';
import { apiOf } from '../support/api.ts';
import { startOwnStack } from '../support/hosts.ts';
import { commandOf } from './appProcess.ts';

const { startHost } = await startOwnStack({});
const host = await startHost();
const api = apiOf(host.run);
const { directory, call: doctor } = commandOf('doctor.ts', host.run);
const { call: audit } = commandOf('audit.ts', host.run);
afterEach(() => api.clearFaults());

const findings = z.object({
  ok: z.boolean(),
  findings: z.array(z.object({ check: z.string(), verdict: z.string(), detail: z.string() })),
});
const connectionString = host.run.azure.storage;
const secrets = new RegExp(`eyJ|${/AccountKey=([^;]{10})/.exec(connectionString)?.[1] ?? assert.fail()}`);

test('the app that nobody has used is well as far as it knows, and a run of its own makes it know', async () => {
  const before = await doctor([]);
  assert.deepEqual([before.code, before.err], [0, '']);
  assert.match(before.out, /The DICOM service \(.*\) +unproven +not used yet\n/);
  assert.equal((await api.whenFree('POST', 'change-feed/runs')).status, 200);
  const after = await doctor([]);
  assert.match(after.out, /The DICOM service \(.*\) +ok +worked <1 min ago\n/);
  assert.match(after.out, /Storage, the tables of the state \(cursors\) +ok +worked/);
  assert.match(after.out, /Sign-in to Azure \(default\) +ok/);
});

test('a role that is taken away makes the health fail, and the doctor names it, until it is back', async () => {
  await api.fault({ service: 'dicom', effect: { revokePermission: 'DICOM Data Reader' } });
  for (let runs = 0; runs < 3; runs += 1) await api.whenFree('POST', 'change-feed/runs');
  assert.equal((await api.plain('GET', 'health')).status, 503);
  const answer = await api.operation('GET', 'health/details');
  assert.doesNotMatch(answer.text, secrets);
  assert.doesNotMatch(answer.text, /changes\.telehealth|sig=|2\.25\./, 'neither the webhook nor a UID');
  const details = answer.json(detailsShape);
  const { state, lastFailure } = details.dependencies.find(({ name }) => name === 'dicom') ?? assert.fail();
  assert.deepEqual([state, lastFailure?.code], ['failing', 403]);
  const wrong = await doctor([]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /Change feed: \S+ +failed +forbidden/);
  assert.match(wrong.out, /WHAT TO DO\n[^]*--role "DICOM Data Reader"/);
  const here = await doctor(['--local', '--json']);
  assert.equal(here.code, 1);
  const failed = findings.parse(JSON.parse(here.out)).findings.filter(({ verdict }) => verdict === 'failed');
  assert.deepEqual(
    failed.map(({ check }) => check.split(' of ')[0]),
    ['DICOM: read the change feed'],
  );
  await api.clearFaults();
  await api.whenFree('POST', 'change-feed/runs');
  assert.equal((await api.plain('GET', 'health')).status, 200);
  assert.equal((await doctor([])).code, 0);
});

test('with a settings file it looks from here, as Core Tools would read it, and shows nothing secret', async () => {
  const sample = z
    .object({ Values: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../local.settings.sample.json'), 'utf8')));
  const path = join(directory, 'settings.json');
  const own = {
    AzureWebJobsStorage: connectionString,
    IDENTITY_ENDPOINT: `${host.run.azure.managedIdentity}/msi/token`,
  };
  writeFileSync(path, JSON.stringify({ Values: { ...sample.Values, ...own } }));
  const fine = await doctor(['--settings', path]);
  assert.deepEqual([fine.code, fine.err], [0, '']);
  assert.match(fine.out, /Sign-in: the system-assigned identity +ok +as an application/);
  const bad = await doctor(['--settings', path, '--json'], {
    TOKEN_MINUTES_MAX: '9',
    STATE_STORAGE: connectionString.slice(0, 60),
  });
  assert.equal(bad.code, 1, 'the environment wins');
  assert.match(bad.out, /Settings: TOKEN_MINUTES_MAX.*expected a whole number from 60 to 1440/);
  assert.doesNotMatch(fine.out + bad.out + bad.err, secrets);
});

test('the audit of a user tells what was done to it', async () => {
  const user = 'doctor-process-17';
  await api.operation('PUT', `users/${user}/access`, { enabled: false, reason: 'left the clinic' });
  const { code, out, err } = await audit(['--user', user]);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /identity\.disable +asked .*left the clinic\n.* identity\.disable +done /);
  assert.match(out, /\n\n2 records\n$/);
  assert.doesNotMatch(out, new RegExp(user), 'the records hold digests alone');
});

test('--help explains, and what makes no sense is refused before anything is asked', async () => {
  for (const [command, words] of [
    [doctor, /^Says what is wrong with the app/],
    [audit, /^Reads who did what/],
  ] as const) {
    const help = await command(['--help']);
    assert.deepEqual([help.code, help.err], [0, '']);
    assert.match(help.out, words);
    const nowhere = await command(['--local'], { LOCAL_DIR: join(directory, 'none') });
    assert.deepEqual([nowhere.code, nowhere.out], [2, '']);
    assert.match(nowhere.err, /^--local: no local run goes on/);
  }
  const nothing = await doctor(['--settings', join(directory, 'no-such-file.json')]);
  assert.equal(nothing.code, 2);
  assert.match(nothing.err, /^--settings: .*no-such-file\.json: cannot be read/);
  const nobody = await audit(['--environment']);
  assert.equal(nobody.code, 2);
  assert.match(nobody.err, /^The settings configure no capability/);
});
