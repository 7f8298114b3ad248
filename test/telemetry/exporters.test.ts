// A sender of telemetry harms nobody: whatever it does ends in one result, and a failure is told with the place.
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { guarded } from '../../src/telemetry/exporters.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/clock.ts';

type Export = (items: string, done: (result: ExportResult) => void) => unknown;

/** Sends with an exporter that does `work`: the results that came of it, and what was told. */
async function send(work: Export): Promise<readonly unknown[]> {
  const told: unknown[] = [];
  const parts = {
    apart: (start: () => void) => {
      told.push('apart');
      start();
    },
    failed: (place: string, error: unknown) => told.push(`${place}: ${String(error)}`),
  };
  const exporter = guarded('a place', parts)({ export: work });
  exporter.export('items', ({ code }) => told.push(code));
  await new Promise(setImmediate);
  return told;
}

const { SUCCESS, FAILED } = ExportResultCode;
const error = new Error('no');

test('what is sent is no failure, and what is not is told once', async () => {
  assert.deepEqual(
    await send((_items, done) => {
      done({ code: SUCCESS });
    }),
    ['apart', SUCCESS],
  );
  assert.deepEqual(
    await send((_items, done) => {
      done({ code: FAILED, error });
    }),
    ['apart', 'a place: Error: no', FAILED],
  );
});

test('an exporter that throws or rejects has failed', async () => {
  const failed = ['apart', 'a place: Error: no', FAILED];
  const thrown = (): never => {
    throw error;
  };
  assert.deepEqual(await send(thrown), failed);
  assert.deepEqual(await send(() => Promise.reject(error)), failed);
});

test('of two results the first one counts', async () => {
  const both: Export = async (_items, done) => {
    done({ code: SUCCESS });
    done({ code: FAILED, error });
    throw error;
  };
  assert.deepEqual(await send(both), ['apart', SUCCESS]);
});

let refused = '';
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(request.url === refused ? 400 : 200).end());
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
after(() => {
  server.close();
  server.closeAllConnections();
});

test('a receiver that takes traces but no metrics is told of, and one that takes metrics but no traces', async () => {
  for (const [path, failures] of [
    ['', []],
    ['/v1/traces', ['OTLP']],
    ['/v1/metrics', ['OTLP']],
  ] as const) {
    refused = path;
    const told: string[] = [];
    const telemetry = await createTelemetry(
      {
        serviceName: 'clinic',
        otlp: { endpoint: `http://127.0.0.1:${port}`, headers: {} },
        azureMonitor: undefined,
      },
      {
        ...{ clock: new ManualClock(), instance: 'one', credential: undefined },
        failed: (place) => told.push(place),
      },
    );
    const about = { name: 'rotateSecrets', requestId: 'id' };
    await telemetry.invocation(
      about,
      async () => undefined,
      () => ({ outcome: 'ok' }),
    );
    await telemetry.flush();
    assert.deepEqual(told, failures, path);
  }
});
