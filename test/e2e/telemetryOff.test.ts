// Without telemetry, and with one that is broken, badly set or sends into the void: the packaged app serves all the same.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startHostProcess } from '../../local/hostProcess.ts';
import { startOtlpReceiver } from '../support/otlp.ts';
import { packagedApp } from '../support/packagedApp.ts';

const directory = mkdtempSync(join(tmpdir(), 'telehealth-telemetry-'));
const whole = await packagedApp(directory);
const receiver = await startOtlpReceiver();
after(async () => {
  await receiver.close();
  rmSync(directory, { recursive: true });
});
interface Served {
  /** Of the health route, and how long it took. */
  readonly status: number;
  readonly ms: number;
  readonly details: string;
  readonly output: string;
  readonly stoppedMs: number;
}

/** Runs the app, with the second bundle as it is given, and asks it how it is. */
async function serve(
  environment: Readonly<Record<string, string>>,
  change: 'whole' | 'missing' | 'broken' = 'whole',
): Promise<Served> {
  const app = join(directory, change);
  cpSync(whole, app, { recursive: true });
  if (change === 'missing') rmSync(join(app, 'telemetry.cjs'));
  if (change === 'broken') writeFileSync(join(app, 'telemetry.cjs'), 'throw new Error("half a file");\n');
  const lines: string[] = [];
  const host = await startHostProcess({
    ...{ kind: 'local', port: 0, app, keys: { master: 'master', function: 'function' } },
    environment: { PATH: process.env['PATH'] ?? '', AUTH_OPERATOR_ROLE: 'none', ...environment },
    onLine: (line) => lines.push(line),
  });
  const begun = performance.now();
  const { status } = await fetch(`${host.url}/api/health`);
  const ms = performance.now() - begun;
  const shown = await fetch(`${host.url}/api/health/details`, { headers: { 'x-functions-key': 'function' } });
  const text = await shown.text();
  const stopping = performance.now();
  await host.stop();
  return { status, ms, details: text, output: lines.join('\n'), stoppedMs: performance.now() - stopping };
}

const on = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };

test('off, the second bundle is not even read', async () => {
  const { status, output } = await serve({}, 'missing');
  assert.equal(status, 200);
  assert.match(output, /telemetry: off, none of its settings is set/);
  assert.doesNotMatch(output, /telemetry_not_loaded/);
});

for (const change of ['missing', 'broken'] as const) {
  test(`on, but with a second bundle that is ${change}, the app serves and is well, and the log and the details of the health say so`, async () => {
    const { status, output, details } = await serve(on, change);
    assert.equal(status, 200);
    assert.match(details, /Telemetry could not be loaded: deploy the package with its telemetry\.cjs\./);
    assert.equal(output.match(/"event":"telemetry_not_loaded"/g)?.length, 1, output);
    assert.deepEqual(receiver.raw, []);
  });
}

test('badly set, it alone is off, and the log and the details of the health say what is wrong', async () => {
  const { status, output, details } = await serve(
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' },
    'missing',
  );
  assert.equal(status, 200);
  const problem =
    'OTEL_EXPORTER_OTLP_ENDPOINT: found "collector:4317"; expected an http or https URL without a query';
  assert.match(output, /telemetry: misconfigured, nothing is sent/);
  for (const text of [output, details]) assert.ok(text.replaceAll('\\"', '"').includes(problem), text);
});

test('to a receiver that refuses it is lost, one line says so, and no call waits', async () => {
  receiver.answer = 400;
  const { status, ms, output } = await serve(on);
  assert.equal(status, 200);
  assert.ok(ms < 2000, `${ms} ms`);
  assert.deepEqual([...new Set(receiver.raw.map(({ path }) => path))].sort(), ['/v1/metrics', '/v1/traces']);
  assert.equal(output.match(/"event":"telemetry_not_sent","place":"OTLP"/g)?.length, 1, output);
});

test('to a receiver that never answers, nothing waits but the end of the process, and that for seconds', async () => {
  receiver.answer = 'hang';
  const { status, ms, stoppedMs } = await serve(on);
  assert.equal(status, 200);
  assert.ok(ms < 2000, `${ms} ms`);
  assert.ok(stoppedMs < 6000, `${stoppedMs} ms`);
});
