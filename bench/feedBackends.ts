// What the change feed's benchmark pulls from and delivers to, in a process of its own: a feed of any length, and Azurite.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startAzurite } from '../local/azurite.ts';
import { freePorts } from '../local/ports.ts';

const [changes = 0, latencyMs = 0] = process.argv.slice(2).map(Number);
const folder = process.argv[4];

/** An hour ago: none of it is young. */
const timestamp = new Date(Date.now() - 3_600_000).toISOString().replace('Z', '4895+00:00');

/** As long as the identifiers of real devices are. */
function uid(kind: number, sequence: number): string {
  return `1.2.826.0.1.3680043.8.498.${kind}.${String(sequence).padStart(30, '1')}`;
}

/** Ten kilobytes, as of a CT image, with a name that needs more than one byte a letter. */
const metadata = JSON.stringify({
  '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }] },
  ...Object.fromEntries(
    Array.from({ length: 240 }, (_, n) => [`0019${(0x1000 + n).toString(16)}`, { vr: 'DS', Value: [n / 7] }]),
  ),
});

function entry(sequence: number, whole = false): string {
  return (
    `{"sequence":${sequence},"partitionName":"Microsoft.Default","studyInstanceUid":"${uid(1, sequence)}",` +
    `"seriesInstanceUid":"${uid(2, sequence)}","sopInstanceUid":"${uid(3, sequence)}","action":"Create",` +
    `"timestamp":"${timestamp}","state":"Current"${whole ? `,"metadata":${metadata}` : ''}}`
  );
}

function answer(url: URL): string {
  if (url.pathname.endsWith('/latest')) return entry(changes);
  const whole = url.searchParams.get('includeMetadata') === 'true';
  const offset = Number(url.searchParams.get('offset'));
  const length = Math.max(0, Math.min(Number(url.searchParams.get('limit')), changes - offset));
  return `[${Array.from({ length }, (_, n) => entry(offset + 1 + n, whole)).join(',')}]`;
}

const feed = createServer((request, reply) => {
  const text = answer(new URL(request.url ?? '/', 'http://feed'));
  void delay(latencyMs).then(() => {
    reply.setHeader('content-type', 'application/json; charset=utf-8').end(text);
  });
});
feed.listen(0, '127.0.0.1');
await once(feed, 'listening');
const azurite = await startAzurite({ ports: freePorts, folder });
const { port } = feed.address() as AddressInfo;
process.send?.({ feed: `http://127.0.0.1:${port}`, storage: azurite.connectionString });
process.once('disconnect', () => {
  feed.close().closeAllConnections();
  void azurite.close();
});
