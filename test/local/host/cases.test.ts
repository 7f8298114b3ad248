// The requests whose answers were recorded from the real Functions host: the local host must give the same ones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startHost, type Host } from '../../../local/host/host.ts';
import { send, type Answer, type RawRequest } from './kit.ts';

interface Case {
  readonly request: Omit<RawRequest, 'body'> & { readonly body?: string | { readonly base64: string } };
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly json?: unknown;
    readonly text?: string;
  };
}

/** Requests that are left out, with the reason. */
const leftOut: Readonly<Record<string, string>> = {
  'GET /': "150 kB of the real host's own welcome page; ours is three lines (see front.test.ts)",
};

const cases = JSON.parse(readFileSync(new URL('cases.json', import.meta.url), 'utf8')) as readonly Case[];
let host: Host;

before(async () => {
  host = await startHost({
    appDirectory: fileURLToPath(new URL('app', import.meta.url)),
    port: 0,
    keys: { master: 'master-key', function: 'host-key' },
    environment: { TICK_SCHEDULE: '0 0 0 1 1 *' },
    log: () => undefined,
  });
});
after(() => host.stop());

test('every recorded case is there', () => {
  assert.equal(cases.length, 111);
  const known = cases.map(({ request }) => `${request.method} ${request.path}`);
  for (const name of Object.keys(leftOut)) assert.ok(known.includes(name), name);
});

for (const [index, { request, answer }] of cases.entries()) {
  const title = `${request.method} ${request.path}`;
  if (title in leftOut) continue;
  test(`${index}: ${title} gets the answer of the real host`, async () => {
    const body = typeof request.body === 'object' ? Buffer.from(request.body.base64, 'base64') : request.body;
    const headers = { host: 'app.local:80', ...request.headers };
    const found = await send(host.url, { ...request, headers, body });
    assert.deepEqual(comparable(found), comparable({ ...answer, body: bodyOf(answer) }));
  });
}

function bodyOf({ json, text }: Case['answer']): string {
  return json === undefined ? (text ?? '') : JSON.stringify(json);
}

const unrecorded = new Set([
  'date',
  'server',
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
]);

/** Without what changes from call to call, or from one version of Node to the next. */
function comparable({ status, headers, body }: Answer): unknown {
  const steady = (text: string) =>
    text
      .replace(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, 'UUID')
      .replace(/formdata-undici-\d+/g, 'FD')
      .replace(/ \(line \d+ column \d+\)/, '');
  const kept = Object.entries(headers).filter(([name]) => !unrecorded.has(name));
  return {
    status,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, steady(value)])),
    body: parsed(steady(body)),
  };
}

/** `options` (the library's own view of the registration) was not recorded. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) => (key === 'options' ? undefined : value)) as unknown;
  } catch {
    return text;
  }
}
