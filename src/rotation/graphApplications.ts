// Microsoft Graph: reads an application's password credentials, adds one, removes one.
import * as z from 'zod/mini';
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Clock } from '../platform/clock.ts';
import { signInFailed } from '../platform/credential.ts';
import { AppError } from '../platform/errors.ts';
import { rotationWriteTries, rotationWriteWaitMaxMs, rotationWriteWaitMs } from '../platform/limits.ts';
import {
  createRestClient,
  type RestClient,
  type RestReply,
  type RestRequest,
} from '../platform/restClient.ts';
import { Secret } from '../platform/secret.ts';
import { dateShape, graphFailure, happenedNever, isGone, requestIdOf, waitOf } from './graphAnswers.ts';
import { survey, watch, type Identity } from './graphSurvey.ts';
import type { Survey } from './observation.ts';

export interface PasswordCredential {
  readonly keyId: string;
  readonly displayName: string | undefined;
  /** Milliseconds since 1970. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** The first three characters of its secret. */
  readonly hint: Secret | undefined;
}

export interface Application {
  /** Object id. */
  readonly id: string;
  readonly credentials: readonly PasswordCredential[];
  /** Graph's `Date`. */
  readonly serverTime: number | undefined;
}

export interface MintedCredential {
  readonly keyId: string;
  readonly endsAt: number;
  /** Shown this once and never again. */
  readonly secret: Secret;
}

/** `unanswered`: nobody knows whether the credential was made. */
export type MintReply = { readonly requestId?: string | undefined } & (
  | { readonly kind: 'minted'; readonly credential: MintedCredential }
  | { readonly kind: 'refused' | 'unanswered'; readonly error: unknown }
);

/** Throws `RotationProblem`, `AppError` and the signal's reason, unless said otherwise. */
export interface Applications {
  read(appId: string, signal?: AbortSignal): Promise<Application>;
  /** Sent again only where Graph certainly did nothing: throttled, or refused for a concurrent change. Throws nothing. */
  addPassword(appId: string, displayName: string, endsAt: number, signal?: AbortSignal): Promise<MintReply>;
  /** Answers the request's id once the credential is gone, also where it was gone before. */
  removePassword(appId: string, keyId: string, signal?: AbortSignal): Promise<string | undefined>;
  /** What could be learnt within 10 s; throws only the signal's reason. */
  survey(appId: string, signal?: AbortSignal): Promise<Omit<Survey, 'time'>>;
  /** Whose token Graph was last shown. Asks nothing. */
  identity(): Identity | undefined;
}

export interface GraphOptions {
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly credential: TokenCredential;
  readonly clock: Clock;
  readonly httpClient?: HttpClient | undefined;
}

export function createGraphApplications({
  endpoint,
  credential,
  clock,
  httpClient,
}: GraphOptions): Applications {
  const watched = watch(credential);
  const auth = { credential: watched.credential, scope: `${endpoint}/.default` };
  const repeating = createRestClient({ service: 'graph', auth, maxRetries: 2, httpClient });
  // The pipeline sends a POST again after a 5xx or a broken connection (measured): every try could be a credential.
  const once = createRestClient({ service: 'graph', auth, maxRetries: 0, httpClient });
  const entity = (appId: string): string =>
    `${endpoint}/v1.0/applications(appId='${encodeURIComponent(appId)}')`;

  return {
    async read(appId, signal) {
      const url = `${entity(appId)}?$select=id,passwordCredentials`;
      return toApplication(await repeating.send({ operation: 'read', method: 'GET', url, signal }));
    },
    async addPassword(appId, displayName, endsAt, signal) {
      const passwordCredential = { displayName, endDateTime: new Date(endsAt).toISOString() };
      const request = post('addPassword', entity(appId), { passwordCredential }, signal);
      try {
        return toMintReply(await sendUntilTaken(once, request, clock));
      } catch (error) {
        return { kind: signInFailed(error) ? 'refused' : 'unanswered', error };
      }
    },
    async removePassword(appId, keyId, signal) {
      const request = post('removePassword', entity(appId), { keyId }, signal);
      const reply = await sendUntilTaken(repeating, request, clock);
      if (reply.status >= 300 && !isGone(reply)) throw graphFailure(reply, 'write');
      return requestIdOf(reply);
    },
    survey: (appId, signal) => survey(repeating, `${endpoint}/v1.0`, appId, watched.identity(), signal),
    identity: watched.identity,
  };
}

function post(operation: string, entity: string, body: object, signal: AbortSignal | undefined): RestRequest {
  return {
    operation,
    method: 'POST',
    url: `${entity}/${operation}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  };
}

/** Graph locks an application for a moment after each change; its other answers are the caller's to judge. */
export async function sendUntilTaken(
  rest: RestClient,
  request: RestRequest,
  clock: Clock,
): Promise<RestReply> {
  for (let tries = 1; ; tries += 1) {
    const reply = await rest.send({ ...request, attempt: tries });
    if (!happenedNever(reply) || tries === rotationWriteTries) return reply;
    const wait = waitOf(reply) ?? rotationWriteWaitMs * 2 ** (tries - 1);
    if (wait > rotationWriteWaitMaxMs) return reply;
    await clock.sleep(wait, request.signal);
  }
}

const credentialShape = z.looseObject({
  keyId: z.guid(),
  displayName: z.nullish(z.string()),
  startDateTime: dateShape,
  endDateTime: dateShape,
  hint: z.nullish(z.string()),
});
const applicationShape = z.looseObject({ id: z.guid(), passwordCredentials: z.array(credentialShape) });
const mintedShape = z.looseObject({
  keyId: z.guid(),
  endDateTime: dateShape,
  secretText: z.string().check(z.minLength(1)),
});

function toApplication(reply: RestReply): Application {
  if (reply.status !== 200) throw graphFailure(reply, 'read');
  const { id, passwordCredentials } = parse(applicationShape, reply.text);
  const credentials = passwordCredentials.map(({ keyId, displayName, startDateTime, endDateTime, hint }) => ({
    keyId: keyId.toLowerCase(),
    displayName: displayName ?? undefined,
    startsAt: Date.parse(startDateTime),
    endsAt: Date.parse(endDateTime),
    hint: hint ? new Secret(hint) : undefined,
  }));
  return { id, credentials, serverTime: reply.serverTime };
}

function toMintReply(reply: RestReply): MintReply {
  const requestId = requestIdOf(reply);
  if (reply.status >= 500 || reply.status === 408) {
    return { kind: 'unanswered', error: graphFailure(reply, 'write'), requestId };
  }
  if (reply.status >= 300) return { kind: 'refused', error: graphFailure(reply, 'write'), requestId };
  try {
    const { keyId, endDateTime, secretText } = parse(mintedShape, reply.text);
    const credential = {
      keyId: keyId.toLowerCase(),
      endsAt: Date.parse(endDateTime),
      secret: new Secret(secretText),
    };
    return { kind: 'minted', credential, requestId };
  } catch (error) {
    return { kind: 'unanswered', error, requestId };
  }
}

/** The text is never part of the error: it may hold a secret. */
function parse<T>(shape: z.ZodMiniType<T>, text: string): T {
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new AppError(
      'upstream_failed',
      'Microsoft Graph gave an answer that does not have its documented shape.',
    );
  }
}
