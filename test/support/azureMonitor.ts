// The ingestion endpoint of Azure Monitor on loopback: lets in who has a token for it, and keeps what was sent.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod/mini';

/** One item of telemetry, as `POST /v2.1/track` takes it. */
const envelope = z.looseObject({
  name: z.string(),
  tags: z.record(z.string(), z.string()),
  data: z.looseObject({
    baseType: z.string(),
    baseData: z.looseObject({
      name: z.optional(z.string()),
      metrics: z.optional(z.array(z.looseObject({ name: z.string(), value: z.number() }))),
      properties: z.optional(z.record(z.string(), z.string())),
    }),
  }),
});
export type Envelope = z.infer<typeof envelope>;

export interface MonitorReceiver {
  /** For the route `monitor` of the preload. */
  readonly url: string;
  readonly envelopes: readonly Envelope[];
  readonly paths: readonly string[];
  /** What came in `Authorization`. */
  readonly bearers: readonly string[];
  readonly raw: readonly string[];
  close(): Promise<void>;
}

export async function startMonitorReceiver(): Promise<MonitorReceiver> {
  const received = {
    envelopes: [] as Envelope[],
    paths: [] as string[],
    bearers: [] as string[],
    raw: [] as string[],
  };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
    received.paths.push(request.url ?? '');
    received.raw.push(text);
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (bearer === undefined) {
      response.writeHead(401).end();
      return;
    }
    received.bearers.push(bearer);
    const items = z.array(envelope).parse(JSON.parse(text));
    received.envelopes.push(...items);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ itemsReceived: items.length, itemsAccepted: items.length, errors: [] }));
  };
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      response.writeHead(400).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...received,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
