// Azure Communication Services: creates identities, issues, exchanges and revokes tokens, deletes identities.
import { CommunicationIdentityClient } from '@azure/communication-identity';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { Agent } from 'node:https';
import { AppError } from '../platform/errors.ts';
import { acsCreateTimeoutMs, acsRetryPauseMs, acsTimeoutMs } from '../platform/limits.ts';
import type { Platform } from '../platform/platform.ts';
import { sdkOptions } from '../platform/restClient.ts';
import { timeLimit } from '../platform/run.ts';
import type { Secret } from '../platform/secret.ts';
import type { CommunicationSettings } from '../platform/settings/types.ts';
import { once } from '../platform/once.ts';
import { traced } from '../platform/tracedRequests.ts';
import { acsError, isGone, isRefusal, mayPass, throttling } from './acsErrors.ts';
import type { TokenWish } from './policy.ts';
import type { AcsBudget, AcsOperation, AcsPriority } from './rateLimit.ts';

export interface AcsToken {
  readonly token: string;
  /** ISO 8601. */
  readonly expiresOn: string;
}

/** Create is not idempotent: whoever asks must know whether an identity may exist that nobody can name. */
export type Created =
  | { readonly kind: 'created'; readonly identity: string }
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'unknown'; readonly error: unknown };

/**
 * All but `create` throw `upstream_failed`, `upstream_timeout`, `upstream_throttled` or the signal's reason.
 * `gone`: the configured resource has no such identity.
 */
export interface Acs {
  /** Counts a creation that is about to come. Throws `upstream_throttled` before anything is begun for it. */
  takeCreate(): void;
  /** One try with a hard time limit, never aborted by a caller who gave up: an identity made meanwhile could not be named. */
  create(): Promise<Created>;
  issue(identity: string, wish: TokenWish, signal?: AbortSignal): Promise<AcsToken | 'gone'>;
  /** `oid`: the Entra user whom the token must belong to. Throws `invalid_request` for a bad Teams token as well. */
  exchange(teamsToken: Secret, oid: string, clientId: string, signal?: AbortSignal): Promise<AcsToken>;
  revoke(identity: string, priority: AcsPriority, signal?: AbortSignal): Promise<'done' | 'gone'>;
  delete(identity: string, priority: AcsPriority, signal?: AbortSignal): Promise<'done' | 'gone'>;
}

type Resource = Pick<CommunicationSettings, 'resource' | 'credential'>;
type Clients = Pick<Platform, 'clock' | 'random' | 'credential' | 'httpClient'>;

export class AcsClient implements Acs {
  readonly #budget: AcsBudget;
  readonly #platform: Clients;
  readonly #client: () => CommunicationIdentityClient;

  constructor(resource: Resource, platform: Clients, budget: AcsBudget) {
    this.#budget = budget;
    this.#platform = platform;
    this.#client = once(() => sdkClient(resource, platform));
  }

  takeCreate(): void {
    this.#budget.take('create', 'ordinary');
  }

  async create(): Promise<Created> {
    let client;
    try {
      client = this.#client();
    } catch (error) {
      return { kind: 'refused', error };
    }
    try {
      const abortSignal = AbortSignal.timeout(acsCreateTimeoutMs);
      const tracedAs = { service: 'acs', operation: 'create', attempt: 1 } as const;
      const answer = await traced(tracedAs, () => client.createUser({ abortSignal }));
      return { kind: 'created', identity: judgeIdentity(answer.communicationUserId) };
    } catch (error) {
      if (error instanceof AppError) return { kind: 'unknown', error };
      return { kind: isRefusal(error) ? 'refused' : 'unknown', error: this.#judge(error, 'create') };
    }
  }

  async issue(
    identity: string,
    { scopes, minutes }: TokenWish,
    signal?: AbortSignal,
  ): Promise<AcsToken | 'gone'> {
    const user = { communicationUserId: identity };
    const answer = await this.#call('issue', 'ordinary', signal, (options) =>
      this.#client().getToken(user, [...scopes], { ...options, tokenExpiresInMinutes: minutes }),
    );
    return answer === 'gone' ? answer : judgeToken(answer);
  }

  async exchange(teamsToken: Secret, oid: string, clientId: string, signal?: AbortSignal): Promise<AcsToken> {
    const answer = await this.#call('exchange', 'ordinary', signal, (options) => {
      const teamsUserAadToken = teamsToken.reveal();
      return this.#client().getTokenForTeamsUser({
        ...options,
        teamsUserAadToken,
        clientId,
        userObjectId: oid,
      });
    });
    if (answer === 'gone') throw failed('The communication service knows no Teams exchange.');
    return judgeToken(answer);
  }

  async revoke(identity: string, priority: AcsPriority, signal?: AbortSignal): Promise<'done' | 'gone'> {
    const user = { communicationUserId: identity };
    const answer = await this.#call('revoke', priority, signal, (options) =>
      this.#client().revokeTokens(user, options),
    );
    return answer ?? 'done';
  }

  async delete(identity: string, priority: AcsPriority, signal?: AbortSignal): Promise<'done' | 'gone'> {
    const user = { communicationUserId: identity };
    const answer = await this.#call('delete', priority, signal, (options) =>
      this.#client().deleteUser(user, options),
    );
    return answer ?? 'done';
  }

  /** May be repeated, and is once: the SDK's own retries would neither be counted nor let the budget refuse them. */
  async #call<T>(
    operation: AcsOperation,
    priority: AcsPriority,
    signal: AbortSignal | undefined,
    send: (options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T | 'gone'> {
    const { clock, random } = this.#platform;
    const abortSignal = timeLimit(acsTimeoutMs, signal);
    for (let attempt = 1; ; attempt += 1) {
      this.#budget.take(operation, priority);
      try {
        return await traced({ service: 'acs', operation, attempt }, () => send({ abortSignal }));
      } catch (error) {
        if (isGone(error)) return 'gone';
        signal?.throwIfAborted();
        if (attempt > 1 || !mayPass(error)) throw this.#judge(error, operation);
      }
      await clock.sleep(acsRetryPauseMs * (0.5 + random() / 2), signal);
    }
  }

  #judge(error: unknown, operation: AcsOperation): AppError {
    if (error instanceof AppError) return error;
    const throttled = throttling(error);
    if (throttled) this.#budget.usedUp(operation, throttled.retryAfterSeconds);
    return acsError(error, operation);
  }
}

/** Without retries of its own: it would repeat a creation, too (measured). */
function sdkClient({ resource, credential }: Resource, platform: Clients): CommunicationIdentityClient {
  const options = sdkOptions(0, platform.httpClient);
  options.additionalPolicies.push({ policy: createOnNewConnection(), position: 'perRetry' });
  if (resource.kind === 'endpoint') {
    return new CommunicationIdentityClient(resource.endpoint, platform.credential(credential), options);
  }
  try {
    return new CommunicationIdentityClient(resource.connectionString.reveal(), options);
  } catch {
    // The SDK's error repeats the whole connection string (measured): not even kept as the cause.
    throw new AppError('misconfigured', 'This part of the service is not configured correctly.');
  }
}

/**
 * A kept connection may be closed by the other side just as it is used again (measured): whoever created over it would be
 * told of a possible orphan that there is none of. Where the machine has a proxy, its connection is the only way out.
 */
function createOnNewConnection(): PipelinePolicy {
  const agent = once(() => new Agent({ keepAlive: false }));
  return {
    name: 'createOnNewConnection',
    sendRequest(request, next) {
      if (request.method === 'POST' && new URL(request.url).pathname === '/identities')
        request.agent ??= agent();
      return next(request);
    },
  };
}

const failed = (message: string): AppError => new AppError('upstream_failed', message);

function judgeIdentity(id: unknown): string {
  if (typeof id === 'string' && /^8:[a-z-]+:[0-9a-f-]+_[0-9a-f-]+$/i.test(id) && id.length <= 200) return id;
  throw failed('The communication service answered without an identity.');
}

function judgeToken({ token, expiresOn }: { token: unknown; expiresOn: unknown }): AcsToken {
  const dated = expiresOn instanceof Date && !Number.isNaN(expiresOn.getTime());
  if (typeof token !== 'string' || token === '' || !dated) {
    throw failed('The communication service answered without a token.');
  }
  return { token, expiresOn: expiresOn.toISOString() };
}
