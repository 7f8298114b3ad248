// What Azure Monitor does not take is told and then lost: its own exporter calls it sent, and would rather keep it on a disk.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { Secret } from '../../src/platform/secret.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/clock.ts';

let status = 200;
const body = { itemsReceived: 2, itemsAccepted: 1, errors: [{ index: 0, statusCode: 429, message: 'full' }] };
const server = createServer((request, response) => {
  request
    .resume()
    .on('end', () => response.writeHead(status, { 'retry-after': '0' }).end(JSON.stringify(body)));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
process.env['LOCAL_ROUTES'] = JSON.stringify({ monitor: `http://127.0.0.1:${port}` });
createRequire(import.meta.url)('../../local/preload.cjs');
// As in the bundle: the exporter would else report on itself.
process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'] = 'true';
// Where the exporter would keep what it could not send.
const folder = mkdtempSync(join(tmpdir(), 'azure-monitor-'));
process.env['TMPDIR'] = folder;
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

/** Sends a span and metrics; what was told of it. */
async function send(host: string): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const connectionString = new Secret(
    `instrumentationkey=7e1e4ea1-7000-4000-8000-000000000001;ingestionendpoint=https://${host}/`,
  );
  const telemetry = await createTelemetry(
    { serviceName: 'clinic', otlp: undefined, azureMonitor: { connectionString } },
    {
      ...{ clock: new ManualClock(), instance: 'one', credential: undefined },
      failed: (place, error) => failures.push([place, Reflect.get(error as object, 'code')]),
    },
  );
  await telemetry.invocation(
    { name: 'rotateSecrets', requestId: 'id' },
    async () => undefined,
    () => ({ outcome: 'ok' }),
  );
  await telemetry.flush();
  return failures;
}

const ingestion = 'demo-1.in.applicationinsights.azure.com';

test('what is taken is no failure', async () => {
  status = 200;
  assert.deepEqual(await send(ingestion), []);
});

test('whoever has no role, is throttled or is refused in part hears of it, and nothing is left on the disk', async () => {
  for (status of [206, 400, 401, 403, 429, 503])
    assert.deepEqual(await send(ingestion), [['Azure Monitor', String(status)]], String(status));
  assert.deepEqual(readdirSync(folder), []);
});

test('a place that cannot be reached is told, and a call that is cut off', async (context) => {
  assert.deepEqual(await send('nowhere.example'), [['Azure Monitor', 'EBLOCKED']]);
  context.mock.method(https, 'request', () => {
    const request = new PassThrough();
    setImmediate(() => request.emit('error', new Error('cut off')));
    return request;
  });
  assert.deepEqual(await send(ingestion), [['Azure Monitor', 'REQUEST_SEND_ERROR']]);
  assert.deepEqual(readdirSync(folder), []);
});
