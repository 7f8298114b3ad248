// Where a process of the token service is watched from: doors in front of its tables and of ACS that see each of its requests, and decide.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Doors, type Asked, type Reply } from '../../support/doors.ts';

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

/** One process at a time, watched; several lanes work side by side. */
export class Lane {
  readonly #place: Place;
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
    const doors = new Doors((asked, send) => this.#pass(asked, send));
    const storage = await this.#storage(doors);
    const routes = { communication: await doors.open(this.#place.communication) };
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
    await doors.close();
    return { requests: this.#requests, created: this.#created, ending };
  }

  /** The connection string with a door in the place of its tables. */
  async #storage(doors: Doors): Promise<string> {
    const [origin = ''] = /(?<=TableEndpoint=)http:\/\/[^/]+/.exec(this.#place.storage) ?? [];
    return this.#place.storage.replace(origin, await doors.open(origin));
  }

  /** Without a reply the connection is cut. */
  async #pass(asked: Asked, send: () => Promise<Reply>): Promise<Reply | undefined> {
    const name = this.#nameOf(asked);
    this.#requests.push(name);
    const { at, fate } = this.#blow ?? {};
    const struck = this.#requests.length === at ? fate : undefined;
    const reply = struck?.endsWith('before') ? undefined : await send();
    if (reply && name === 'acs create') this.#created = /8:acs:[\w-]+/.exec(reply.body.toString())?.[0];
    if (struck?.startsWith('kill') && this.#child) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    return struck ? undefined : reply;
  }

  #nameOf({ method, url }: Asked): string {
    if (url.startsWith(this.#place.communication))
      return `acs ${acsPaths.find(([path]) => path.test(url))?.[1] ?? url}`;
    return `${/\/(identities|cleanups)/.exec(url)?.[1] ?? 'tables'} ${method}`;
  }
}

const acsPaths: readonly (readonly [RegExp, string])[] = [
  [/:issueAccessToken/, 'issue'],
  [/:revokeAccessTokens/, 'revoke'],
  [/\/identities\?/, 'create'],
  [/\/identities\//, 'delete'],
];
