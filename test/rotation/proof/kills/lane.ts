// Watches a process that rotates: doors in front of everything it talks to see each request, and the process is killed at one of them.
import { build } from 'esbuild';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { RotationSettings, ServiceClientSettings } from '../../../../src/platform/settings/types.ts';
import type { RotationRequest } from '../../../../src/rotation/rotation.ts';
import { changes, nameOf, type Blow } from './gate.ts';

export interface Orders {
  readonly client: ServiceClientSettings;
  readonly settings: Pick<RotationSettings, 'vaultUrl' | 'graphEndpoint' | 'authorityHost'>;
  readonly storage: string;
  readonly tokens: { readonly graph: string; readonly vault: string };
  readonly now: number;
  readonly request: RotationRequest;
}

export interface Time {
  readonly now: number;
}

export type FromChild =
  | { readonly kind: 'listens' | 'ends' }
  | { readonly kind: 'waits'; readonly ms: number }
  | { readonly kind: 'line'; readonly text: string };

/** What the process stands in. */
export interface Surroundings {
  /** The child as one file. */
  readonly program: string;
  /** Where the stand-ins listen. */
  readonly urls: Readonly<Record<'graph' | 'keyVault' | 'entra', string>>;
  /** Moves the time of everything and answers it. */
  readonly pass: (ms: number) => number;
  readonly hear: (line: string) => void;
}

/** Bundles the child into `program`: it starts in a quarter of the time. */
export async function bundleChild(program: string): Promise<void> {
  const entryPoints = [new URL('child.ts', import.meta.url).pathname];
  await build({
    entryPoints,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: program,
    logLevel: 'error',
  });
}

/** One process, from its start to its end. */
export class Lane {
  readonly requests: string[] = [];
  readonly effects: string[] = [];
  readonly #place: Surroundings;
  readonly #blow: Blow | undefined;
  readonly #doors: Server[] = [];
  #child: ChildProcess | undefined;
  killed = false;

  constructor(place: Surroundings, blow?: Blow) {
    this.#place = place;
    this.#blow = blow;
  }

  async run(orders: Orders): Promise<void> {
    const { program, urls } = this.#place;
    const [origin = ''] = /(?<=BlobEndpoint=)http:\/\/[^/]+/.exec(orders.storage) ?? [];
    const storage = orders.storage.replace(origin, await this.#open(origin));
    const routes: Record<string, string> = {};
    for (const [service, url] of Object.entries(urls)) routes[service] = await this.#open(url);
    const preload = new URL('../../../../local/preload.cjs', import.meta.url).pathname;
    const child = fork(program, {
      execArgv: ['--require', preload],
      env: { PATH: process.env['PATH'], LOCAL_ROUTES: JSON.stringify(routes) },
    });
    this.#child = child;
    const gone = once(child, 'exit');
    child.on('message', (word) => {
      this.#answer(child, word as FromChild, { ...orders, storage });
    });
    await gone;
    for (const door of this.#doors) {
      door.closeAllConnections();
      await new Promise((closed) => door.close(closed));
    }
  }

  #answer(child: ChildProcess, word: FromChild, orders: Orders): void {
    switch (word.kind) {
      case 'listens':
        child.send(orders);
        return;
      case 'waits': {
        const time: Time = { now: this.#place.pass(word.ms) };
        child.send(time);
        return;
      }
      case 'line':
        this.#place.hear(word.text);
        return;
      case 'ends':
        child.kill('SIGKILL');
        return;
    }
  }

  async #open(origin: string): Promise<string> {
    const door = createServer((request, response) => {
      this.#pass(request, response, origin).catch(() => request.socket.destroy());
    });
    this.#doors.push(door);
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((door.address() as AddressInfo).port)}`;
  }

  async #pass(request: IncomingMessage, response: ServerResponse, origin: string): Promise<void> {
    const asked = { method: request.method ?? '', url: new URL(request.url ?? '', origin).href };
    const sent = await buffer(request);
    // A process that is gone sends nothing more.
    if (this.killed) return;
    this.requests.push(nameOf(asked));
    const fate = this.requests.length === this.#blow?.at ? this.#blow.fate : undefined;
    if (fate === 'before') return this.#kill();
    const onward = forward(asked.url, { method: asked.method, headers: request.headers });
    onward.end(sent);
    const [reply] = (await once(onward, 'response')) as [IncomingMessage];
    const body = await buffer(reply);
    if (changes(asked, reply.statusCode ?? 500)) this.effects.push(nameOf(asked));
    if (fate === 'after') return this.#kill();
    response.writeHead(reply.statusCode ?? 500, reply.headers).end(body);
  }

  async #kill(): Promise<void> {
    this.killed = true;
    this.#child?.kill('SIGKILL');
  }
}
