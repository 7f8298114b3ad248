// Real storage for tests: one Azurite per file, and a proxy in front of its blobs that can lose or make up replies.
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import {
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { startAzurite } from '../../local/azurite.ts';
import { freePorts } from '../../local/ports.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { StorageSettings } from '../../src/platform/settings/types.ts';

/**
 * What happens to a request: `lost` carries it out and breaks the connection, a number answers that status instead, with a
 * code of the service where one is given.
 */
export type Fate = 'lost' | number | { readonly status: number; readonly code: string } | undefined;
export type StorageService = 'Blob' | 'Queue' | 'Table';
export type Decide = (request: IncomingMessage, service: StorageService) => Fate;

export interface TestStorage {
  readonly settings: Extract<StorageSettings, { kind: 'connectionString' }>;
  /** A container that nobody made yet; `decide` is asked about each request of this client, in order. */
  container(name: string, decide?: Decide): Promise<ContainerClient>;
  /** The whole account; `decide` is asked about each request to its blobs, tables and queues. */
  account(decide: Decide): Promise<TestStorage['settings']>;
}

/** Await it at the top of a file; it is closed after the tests of the file. */
export async function startStorage(): Promise<TestStorage> {
  const azurite = await startAzurite({ ports: freePorts });
  const text = azurite.connectionString;
  const [blobs = ''] = /(?<=BlobEndpoint=)http:\/\/[^/]+/.exec(text) ?? [];
  const proxies: Server[] = [];
  after(async () => {
    for (const proxy of proxies) proxy.close().closeAllConnections();
    await azurite.close();
  });
  const retryOptions = { maxTries: 3, retryDelayInMs: 1, maxRetryDelayInMs: 1 };
  const client = (through: string): BlobServiceClient =>
    BlobServiceClient.fromConnectionString(text.replace(blobs, through), { retryOptions });
  const before = async (target: string, decide: (request: IncomingMessage) => Fate): Promise<string> => {
    const proxy = createServer((request, response) => {
      pass(request, response, { url: new URL(request.url ?? '', target), fate: decide(request) });
    });
    proxies.push(proxy);
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}`;
  };
  return {
    settings: { kind: 'connectionString', connectionString: new Secret(text) },
    container: async (name, decide) =>
      client(decide ? await before(blobs, (request) => decide(request, 'Blob')) : blobs).getContainerClient(
        name,
      ),
    async account(decide) {
      let through = text;
      for (const service of ['Blob', 'Queue', 'Table'] as const) {
        const [target = ''] = new RegExp(`(?<=${service}Endpoint=)http://[^/]+`).exec(text) ?? [];
        through = through.replace(target, await before(target, (request) => decide(request, service)));
      }
      return { kind: 'connectionString', connectionString: new Secret(through) };
    },
  };
}

/** Sends a request on to `url`, with other headers where there are any, or answers it as `fate` says. */
export function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { url, fate, headers = request.headers }: Passage,
): void {
  if (typeof fate === 'number') fate = { status: fate, code: '' };
  if (typeof fate === 'object') {
    const { status, code } = fate;
    request.resume().on('end', () => response.writeHead(status, { 'x-ms-error-code': code }).end());
    return;
  }
  const onward = forward(url, { method: request.method, headers }, (reply) => {
    if (fate === 'lost') {
      reply.resume().on('end', () => request.socket.destroy());
      return;
    }
    response.writeHead(reply.statusCode ?? 500, reply.headers);
    reply.pipe(response);
  });
  onward.on('error', () => request.socket.destroy());
  request.pipe(onward);
}

export interface Passage {
  readonly url: URL;
  readonly fate: Fate;
  readonly headers?: IncomingHttpHeaders;
}
