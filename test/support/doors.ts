// Doors in front of the services that a child process talks to: whoever holds them sees each request, and may end there.
import { build } from 'esbuild';
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  /** As the service behind the door knows it. */
  readonly url: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** `send` lets the request go on. Without a reply the connection is cut. */
export type Pass = (asked: Asked, send: () => Promise<Reply>) => Promise<Reply | undefined>;

export class Doors {
  readonly #pass: Pass;
  readonly #servers: Server[] = [];

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** Answers the address of a door in front of `origin`, both like `http://127.0.0.1:<port>`. */
  async open(origin: string): Promise<string> {
    const door = createServer((request, response) => {
      const cut = (): unknown => request.socket.destroy();
      this.#ask(request, origin).then((reply) => {
        if (reply) response.writeHead(reply.status, reply.headers).end(reply.body);
        else cut();
      }, cut);
    });
    this.#servers.push(door);
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((door.address() as AddressInfo).port)}`;
  }

  async close(): Promise<void> {
    for (const door of this.#servers.splice(0)) {
      door.closeAllConnections();
      await new Promise((closed) => door.close(closed));
    }
  }

  async #ask(request: IncomingMessage, origin: string): Promise<Reply | undefined> {
    const { method = '', headers } = request;
    const { href: url } = new URL(request.url ?? '', origin);
    const sent = await buffer(request);
    return this.#pass({ method, url }, async () => {
      const onward = forward(url, { method, headers });
      onward.end(sent);
      const [reply] = (await once(onward, 'response')) as [IncomingMessage];
      return { status: reply.statusCode ?? 500, headers: reply.headers, body: await buffer(reply) };
    });
  }
}

/** Bundles a child process into one file: it starts in a quarter of the time. */
export async function bundleProgram(entry: URL, outfile: string): Promise<void> {
  const entryPoints = [entry.pathname];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
}
