// Where a process of the token service is watched from: doors in front of its tables and of ACS that see each of its requests, and decide.
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

export type Deed = 'issue' | 'disable' | 'revokeAll' | 'erase';
/** `done`, or the code of the error. */
export type Ending = string;

/** What happens at one request: the process is killed before or after its effect, or the connection is cut there. */
export type Fate = 'kill before' | 'kill after' | 'cut before' | 'cut after';

/** Where the real things are. */
export interface Place {
  /** The child as one file: it starts in a quarter of the time. */
  readonly program: string;
  readonly storage: string;
  readonly communication: string;
  readonly endpoint: string;
  readonly accessKey: string;
}

export interface Blow {
  /** The how many-th request, from 1. */
  readonly at: number;
  readonly fate: Fate;
}

export interface Outcome {
  /** The requests of the process in words, in order. */
  readonly requests: readonly string[];
  /** The identity that ACS made for it. */
  readonly created: string | undefined;
  /** Undefined where it was killed. */
  readonly ending: Ending | undefined;
}

/** Bundles the child into `program`. */
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

/** One process at a time, watched; several lanes work side by side. */
export class Lane {
  readonly #place: Place;
  readonly #doors: Server[] = [];
  #child: ChildProcess | undefined;
  #blow: Blow | undefined;
  #requests: string[] = [];
  #created: string | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Lets a process do something; the blow falls on one of its requests. */
  async run(deed: Deed, key: string, blow?: Blow): Promise<Outcome> {
    this.#blow = blow;
    this.#requests = [];
    this.#created = undefined;
    const { program, endpoint, accessKey } = this.#place;
    const storage = await this.#storage();
    const routes = { communication: await this.#open(this.#place.communication, 'acs') };
    const acs = `endpoint=${endpoint}/;accesskey=${accessKey}`;
    const preload = new URL('../../../local/preload.cjs', import.meta.url).pathname;
    const child = fork(program, [deed, key, storage, endpoint, acs], {
      execArgv: ['--require', preload],
      env: { PATH: process.env['PATH'], LOCAL_ROUTES: JSON.stringify(routes) },
    });
    this.#child = child;
    let ending: Ending | undefined;
    child.once('message', (message) => {
      ending = typeof message === 'string' ? message : 'no word';
      child.kill('SIGKILL');
    });
    await once(child, 'exit');
    await this.close();
    return { requests: this.#requests, created: this.#created, ending };
  }

  async close(): Promise<void> {
    for (const door of this.#doors.splice(0)) {
      door.closeAllConnections();
      await new Promise((closed) => door.close(closed));
    }
  }

  /** The connection string with a door in the place of its tables. */
  async #storage(): Promise<string> {
    const [origin = ''] = /(?<=TableEndpoint=)http:\/\/[^/]+/.exec(this.#place.storage) ?? [];
    return this.#place.storage.replace(origin, await this.#open(origin, 'table'));
  }

  async #open(origin: string, service: string): Promise<string> {
    const door = createServer((request, response) => {
      this.#pass(request, response, origin, service).catch(() => request.socket.destroy());
    });
    this.#doors.push(door);
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((door.address() as AddressInfo).port)}`;
  }

  async #pass(
    request: IncomingMessage,
    response: ServerResponse,
    origin: string,
    service: string,
  ): Promise<void> {
    const name = nameOf(service, request);
    this.#requests.push(name);
    const { at, fate } = this.#blow ?? {};
    const struck = this.#requests.length === at ? fate : undefined;
    const sent = await buffer(request);
    if (struck === 'kill before' || struck === 'cut before') {
      await this.#strike(struck, request);
      return;
    }
    const onward = forward(new URL(request.url ?? '', origin), {
      method: request.method,
      headers: request.headers,
    });
    onward.end(sent);
    const [reply] = (await once(onward, 'response')) as [IncomingMessage];
    const body = await buffer(reply);
    if (name === 'acs create') this.#created = /8:acs:[\w-]+/.exec(body.toString())?.[0];
    if (struck) {
      await this.#strike(struck, request);
      return;
    }
    response.writeHead(reply.statusCode ?? 500, reply.headers).end(body);
  }

  async #strike(fate: Fate, { socket }: IncomingMessage): Promise<void> {
    if (fate.startsWith('kill') && this.#child) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    socket.destroy();
  }
}

const acsPaths: readonly (readonly [RegExp, string])[] = [
  [/:issueAccessToken/, 'issue'],
  [/:revokeAccessTokens/, 'revoke'],
  [/\/identities\?/, 'create'],
  [/\/identities\//, 'delete'],
];

function nameOf(service: string, { method = '', url = '' }: IncomingMessage): string {
  if (service === 'acs') return `acs ${acsPaths.find(([path]) => path.test(url))?.[1] ?? url}`;
  return `${/\/(identities|cleanups)/.exec(url)?.[1] ?? 'tables'} ${method}`;
}
