// What `npm start` says of a job that the app cannot do.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { showToken } from '../../local/showcase.ts';

const refusal = JSON.stringify({ code: 'misconfigured', detail: 'No.' });

/** An app that answers everything but the health details with the refusal. */
async function running(
  t: TestContext,
  details: string,
  refused = refusal,
): Promise<Parameters<typeof showToken>[0]> {
  const server = createServer(({ url, headers }, reply) => {
    const isDetails = url === '/api/health/details' && headers['x-functions-key'] === 'f';
    reply.writeHead(503).end(isDetails ? details : refused);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const demo = { bearer: 'b', dicomBearer: 'd', userId: 'u' };
  return { host: { kind: 'local', url, keysEnforced: true }, keys: { master: 'm', function: 'f' }, demo };
}

const wrong = { setting: 'DICOM_SERVICE_URL', problem: 'expected an address' };

test('a part that is not configured right is told with its settings, each once', async (t) => {
  const problems = [wrong, { setting: 'CHANGE_FEED_START', problem: 'missing' }];
  const capabilities = { communication: { problems: [wrong] }, changeFeed: { problems }, rotation: {} };
  const run = await running(t, JSON.stringify({ capabilities }));
  await assert.rejects(showToken(run), {
    message:
      'POST /api/tokens was answered 503 misconfigured: DICOM_SERVICE_URL: expected an address; CHANGE_FEED_START: missing',
  });
});

test('where no settings are told, the answer itself is', async (t) => {
  for (const details of ['', '{}', '{"capabilities":{"rotation":{}}}'])
    await assert.rejects(showToken(await running(t, details)), {
      message: `POST /api/tokens was answered 503 ${refusal}`,
    });
  const capabilities = { communication: { problems: [wrong] } };
  const other = await running(t, JSON.stringify({ capabilities }), '{"code":"upstream_failed"}');
  await assert.rejects(showToken(other), {
    message: 'POST /api/tokens was answered 503 {"code":"upstream_failed"}',
  });
});
