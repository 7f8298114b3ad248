// Asks Entra for one fresh token with a client secret: the only proof that the secret works.
import type { HttpClient } from '@azure/core-rest-pipeline';
import * as z from 'zod/mini';
import { rotationProbeTimeoutMs } from '../platform/limits.ts';
import { createRestClient, type RestReply, type RestRequest } from '../platform/restClient.ts';
import type { Secret } from '../platform/secret.ts';
import type { ServiceClientSettings } from '../platform/settings/types.ts';
import { requestIdIn } from './requestIds.ts';

/**
 * `issued`: a token came. `rejected` and `expired`: Entra knows the application and not this secret, or no longer.
 * `denied`: an answer that Entra gives after the secret was accepted, if it gives 7000215 to a wrong one (`proves`).
 * `wrongTenant`: says nothing about the secret. `unknown`: anything else, also no answer at all.
 */
export interface ProbeAnswer {
  readonly kind: 'issued' | 'rejected' | 'expired' | 'denied' | 'wrongTenant' | 'unknown';
  /** AADSTS number, where the answer carried one. */
  readonly code?: number | undefined;
  readonly ids?: ProbeIds | undefined;
}

/** Under which Entra finds the request again. */
export interface ProbeIds {
  readonly trace?: string | undefined;
  readonly correlation?: string | undefined;
}

export interface TokenProbe {
  /** One request, never repeated. Throws only the signal's reason. */
  ask(
    client: Pick<ServiceClientSettings, 'appId' | 'tenantId'>,
    secret: Secret,
    signal?: AbortSignal,
  ): Promise<ProbeAnswer>;
}

export interface TokenProbeOptions {
  readonly authorityHost: string;
  readonly graphEndpoint: string;
  readonly httpClient?: HttpClient | undefined;
}

export function createTokenProbe({
  authorityHost,
  graphEndpoint,
  httpClient,
}: TokenProbeOptions): TokenProbe {
  const rest = createRestClient({ service: 'entra', maxRetries: 0, httpClient });
  return {
    async ask(client, secret, signal) {
      try {
        const scope = `${graphEndpoint}/.default`;
        return judge(await rest.send({ ...tokenRequest(authorityHost, scope, client, secret), signal }));
      } catch {
        // The error is dropped on purpose: the pipeline's errors hold on to the request, and its body is the secret.
        signal?.throwIfAborted();
        return { kind: 'unknown' };
      }
    },
  };
}

function tokenRequest(
  authorityHost: string,
  scope: string,
  { appId, tenantId }: Pick<ServiceClientSettings, 'appId' | 'tenantId'>,
  secret: Secret,
): RestRequest {
  const form = new URLSearchParams({
    client_id: appId,
    scope,
    grant_type: 'client_credentials',
    client_secret: secret.reveal(),
  });
  return {
    operation: 'probe',
    method: 'POST',
    url: `${authorityHost}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    timeoutMs: rotationProbeTimeoutMs,
    maxBytes: 64 * 1024,
  };
}

const issued = z.looseObject({ access_token: z.string().check(z.minLength(1)) });
const refused = z.looseObject({
  error_codes: z.array(z.int()),
  trace_id: z.optional(z.unknown()),
  correlation_id: z.optional(z.unknown()),
});

/**
 * What an AADSTS number says of the secret; every other number says nothing. Conditional Access for workload identities
 * (53003) and a required role assignment that is missing (501051) are judged after the secret.
 */
const meanings: ReadonlyMap<number, ProbeAnswer['kind']> = new Map([
  [7000215, 'rejected'],
  [7000222, 'expired'],
  [53003, 'denied'],
  [501051, 'denied'],
  [700016, 'wrongTenant'],
  [90002, 'wrongTenant'],
  [7000229, 'wrongTenant'],
]);

/** Exported for its tests. */
export function judge(reply: Pick<RestReply, 'status' | 'text'>): ProbeAnswer {
  const json = parseJson(reply.text);
  if (reply.status === 200) return { kind: issued.safeParse(json).success ? 'issued' : 'unknown' };
  const { data } = refused.safeParse(json);
  const code = data?.error_codes[0];
  if (!data || code === undefined || reply.status < 400 || reply.status >= 500) return { kind: 'unknown' };
  const ids = { trace: requestIdIn(data.trace_id), correlation: requestIdIn(data.correlation_id) };
  return { kind: meanings.get(code) ?? 'unknown', code, ids };
}

/** Whether `answer` proves the secret, given how a deliberately wrong one was answered in the same run. */
export function proves(answer: ProbeAnswer, control: ProbeAnswer | undefined): boolean {
  return answer.kind === 'issued' || (answer.kind === 'denied' && control?.kind === 'rejected');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
