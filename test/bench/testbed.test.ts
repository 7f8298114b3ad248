// The benchmark of the token service against the app: that it measures what is there, and finds what must not be.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as z from 'zod/mini';
import { CommunicationIdentityClient } from '@azure/communication-identity';
import { ManagedIdentityCredential } from '@azure/identity';
import { burst } from '../../bench/burst.ts';
import { latency } from '../../bench/latency.ts';
import { missed, type Figure } from '../../bench/report.ts';
import { openSlowProxy } from '../../bench/slowProxy.ts';
import { addFault } from '../../bench/standIns.ts';
import { openTestbed } from '../../bench/testbed.ts';
import { demo } from '../../local/demo.ts';

const figureOf = (figures: readonly Figure[], name: string): number =>
  figures.find((figure) => figure.name === name)?.value ?? Number.NaN;
const small = { pairs: 4, users: 20, clients: 1, changes: 1, progress: () => undefined };

const testbed = await openTestbed({ TOKEN_REQUESTS_PER_MINUTE: '1000' });
after(() => testbed.close());

test('a host that answers later has another ratio', async (t) => {
  const plain = (await latency(testbed, small)).figures;
  assert.ok(figureOf(plain, 'sdkMedian') >= 20, 'the latency of ACS is not in it');
  const { url: host, close } = await openSlowProxy(testbed.host, 100);
  t.after(close);
  const { figures, title } = await latency({ ...testbed, host }, small);
  assert.ok(figureOf(figures, 'appMedian') >= 120);
  assert.ok(figureOf(figures, 'ratio') > figureOf(plain, 'ratio') + 0.25);
  assert.deepEqual(missed([{ title, figures }]), [`${title}: ratio of the medians`]);
  assert.ok(figureOf(figures, 'memory') > 20);
});

test('a burst waits out what ACS throttles, and an identity of nobody is found', async () => {
  await addFault(testbed.faults, {
    service: 'communication',
    path: '^/identities$',
    skip: 1,
    times: 2,
    effect: { status: 429, headers: { 'Retry-After': '1' } },
  });
  await new CommunicationIdentityClient(
    demo.communicationEndpoint,
    new ManagedIdentityCredential(),
  ).createUser();
  const { figures, title } = await burst(testbed, small);
  const found = (name: string): number => figureOf(figures, name);
  assert.deepEqual([found('served'), found('answers200'), found('lost')], [20, 20, 0]);
  assert.deepEqual([found('acsThrottled'), found('acsCreates')], [2, 23 + 1]);
  assert.ok(found('answers503') >= 2);
  assert.ok(found('lastServed') >= 1);
  assert.deepEqual([found('orphans'), found('duplicates'), found('possibleOrphans')], [1, 0, 0]);
  assert.deepEqual(missed([{ title, figures }]), [`${title}: identities that no row names`]);
});

test('npm run bench reports both parts as JSON', () => {
  const main = join(import.meta.dirname, '../../bench/main.ts');
  const args = [main, 'tokens', '--pairs', '3', '--users', '5', '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const figure = z.object({ name: z.string(), value: z.nullable(z.number()), text: z.string() });
  const sections = z.array(z.object({ figures: z.array(figure) }));
  const [report] = z
    .array(z.object({ name: z.literal('tokens'), sections, missed: z.array(z.string()) }))
    .parse(JSON.parse(stdout));
  const [first, second] = report?.sections ?? assert.fail('no report');
  const of = (name: string): number => figureOf(first?.figures ?? [], name);
  assert.equal(of('ratio'), of('appMedian') / of('sdkMedian'));
  assert.equal(figureOf(second?.figures ?? [], 'served'), 5);
  assert.equal(status, report?.missed.length === 0 ? 0 : 1, stderr);
});
