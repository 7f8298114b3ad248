// Requests to Graph in the operator's name: sent, judged, and repeated while replicas do not know yet what a write refers to.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Clock } from '../../src/platform/clock.ts';
import { createRestClient, type RestReply, type RestRequest } from '../../src/platform/restClient.ts';
import { sendUntilTaken } from '../../src/rotation/graphApplications.ts';
import { graphProblem, isThereAlready, isUnsettled, type Page } from './graphShapes.ts';
import { RegisterProblem } from './problems.ts';

export interface GraphOptions {
  readonly endpoint: string;
  readonly credential: TokenCredential;
  readonly clock: Clock;
  readonly httpClient?: HttpClient | undefined;
}

/** How long what was just made may stay unknown to Graph's replicas, and the wait between two looks. */
const settleMs = 60_000;
const settleGapMs = 2_000;

export class GraphRequests {
  readonly #options: GraphOptions;
  readonly #send: (request: RestRequest) => Promise<RestReply>;

  constructor(options: GraphOptions) {
    this.#options = options;
    const { credential, endpoint, httpClient, clock } = options;
    const auth = { credential, scope: `${endpoint}/.default` };
    const rest = createRestClient({ auth, maxRetries: 2, httpClient });
    this.#send = (request) => sendUntilTaken(rest, request, clock);
  }

  /** Undefined where Graph says that there is none. */
  async find<T>(url: string, judge: (reply: RestReply) => T): Promise<T | undefined> {
    const reply = await this.#send({ method: 'GET', url });
    return reply.status === 404 && isUnsettled(reply) ? undefined : judge(reply);
  }

  async list<T>(url: string, judge: (reply: RestReply) => Page<T>): Promise<readonly T[]> {
    const items: T[] = [];
    for (let next: string | undefined = url; next !== undefined;) {
      const page: Page<T> = judge(await this.#send({ method: 'GET', url: next }));
      items.push(...page.items);
      next = page.next;
      // The link carries the token to wherever it points.
      if (next !== undefined && !next.startsWith(`${this.#options.endpoint}/`)) {
        throw new RegisterProblem('upstream_failed', 'Microsoft Graph named a next page outside itself.');
      }
    }
    return items;
  }

  async write(
    method: 'POST' | 'PATCH',
    url: string,
    body: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RestReply> {
    const request: RestRequest = {
      ...{ method, url, body: JSON.stringify(body) },
      headers: { 'content-type': 'application/json', ...headers },
    };
    const reply = await this.#wait(
      () => this.#send(request),
      (one) => !isUnsettled(one),
    );
    if (reply.status >= 300 && !isThereAlready(reply)) throw graphProblem(reply);
    return reply;
  }

  /** Looks until it is there. Throws `RegisterProblem` when a minute was not enough. */
  async settled<T>(look: () => Promise<T | undefined>): Promise<T> {
    const found = await this.#wait(look, (one) => one !== undefined);
    if (found !== undefined) return found;
    throw new RegisterProblem(
      'not_settled',
      'Microsoft Graph made an object but does not show it yet.\nRun this again in a few minutes: it goes on where it stopped.',
    );
  }

  async #wait<T>(attempt: () => Promise<T>, good: (result: T) => boolean): Promise<T> {
    const { clock } = this.#options;
    const end = clock.monotonic() + settleMs;
    for (;;) {
      const result = await attempt();
      if (good(result) || clock.monotonic() >= end) return result;
      await clock.sleep(settleGapMs);
    }
  }
}
