// Remembers what the stand-ins were asked, in order, without bodies or credentials.
import type { MiddlewareHandler } from 'hono';
import type { Now, ServiceName, StandInEnv } from './kit.ts';

export interface LoggedRequest {
  readonly number: number;
  readonly time: string;
  readonly service: ServiceName;
  readonly method: string;
  /** Path without its query, in which a key may travel. */
  readonly path: string;
  /** 0 while under way, and for good when the connection was dropped. */
  status: number;
  /** The fault rule that met this request. */
  fault?: string;
}

const kept = 10_000;

export class RequestLog {
  readonly #now: Now;
  readonly #entries: LoggedRequest[] = [];
  #last = 0;

  constructor(now: Now) {
    this.#now = now;
  }

  /** Entries with a number above `since`, of one service or of all; the newest 10,000 are kept. */
  list(service?: ServiceName, since = 0): readonly LoggedRequest[] {
    return this.#entries.filter((entry) => entry.number > since && (!service || entry.service === service));
  }

  middleware(service: ServiceName): MiddlewareHandler<StandInEnv> {
    return async (c, next) => {
      const entry: LoggedRequest = {
        number: ++this.#last,
        time: new Date(this.#now()).toISOString(),
        service,
        method: c.req.method,
        path: c.req.path,
        status: 0,
      };
      this.#entries.push(entry);
      if (this.#entries.length > kept) this.#entries.shift();
      c.set('logged', entry);
      await next();
      entry.status = entry.fault !== undefined && c.env.incoming.destroyed ? 0 : c.res.status;
    };
  }
}
