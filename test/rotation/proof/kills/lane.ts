// Watches a process that rotates: doors in front of everything it talks to see each request, and the process is killed at one of them.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { RotationSettings, ServiceClientSettings } from '../../../../src/platform/settings/types.ts';
import type { RotationRequest } from '../../../../src/rotation/rotation.ts';
import { Doors, type Asked, type Reply } from '../../../support/doors.ts';
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

/** One process, from its start to its end. */
export class Lane {
  readonly requests: string[] = [];
  readonly effects: string[] = [];
  readonly #place: Surroundings;
  readonly #blow: Blow | undefined;
  readonly #doors = new Doors((asked, send) => this.#pass(asked, send));
  #child: ChildProcess | undefined;
  killed = false;

  constructor(place: Surroundings, blow?: Blow) {
    this.#place = place;
    this.#blow = blow;
  }

  async run(orders: Orders): Promise<void> {
    const { program, urls } = this.#place;
    const [origin = ''] = /(?<=BlobEndpoint=)http:\/\/[^/]+/.exec(orders.storage) ?? [];
    const storage = orders.storage.replace(origin, await this.#doors.open(origin));
    const routes: Record<string, string> = {};
    for (const [service, url] of Object.entries(urls)) routes[service] = await this.#doors.open(url);
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
    await this.#doors.close();
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

  async #pass(asked: Asked, send: () => Promise<Reply>): Promise<Reply | undefined> {
    // A process that is gone sends nothing more.
    if (this.killed) return undefined;
    const name = nameOf(asked);
    this.requests.push(name);
    const fate = this.requests.length === this.#blow?.at ? this.#blow.fate : undefined;
    if (fate === 'before') {
      this.#kill();
      return undefined;
    }
    const reply = await send();
    if (changes(asked, reply.status)) this.effects.push(name);
    if (fate === 'after') this.#kill();
    return reply;
  }

  #kill(): void {
    this.killed = true;
    this.#child?.kill('SIGKILL');
  }
}
