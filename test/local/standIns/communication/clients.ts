// An ACS stand-in behind its endpoint, the real CommunicationIdentityClient for it, and raw signed requests, for its tests.
import type { TokenCredential } from '@azure/core-auth';
import { CommunicationIdentityClient } from '@azure/communication-identity';
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  type HttpMethods,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { createHash, createHmac } from 'node:crypto';
import * as z from 'zod/mini';
import { demo } from '../../../../local/demo.ts';
import { createCommunication } from '../../../../local/standIns/communication.ts';
import type { StandIn } from '../../../../local/standIns/kit.ts';
import { startStandIns } from '../../../support/standIns.ts';

export const endpoint = demo.communicationEndpoint;
export const endpointHost = new URL(endpoint).host;
export const accessKey = Buffer.from('access key of the tests').toString('base64');

const madeStandIns: StandIn[] = [];
export const cloud = await startStandIns((tenant) => {
  const resourceId = demo.communicationResourceId;
  madeStandIns.push(createCommunication({ ...tenant, resourceId, endpointHost, accessKey }));
  return madeStandIns;
});
cloud.directory.grant(demo.managedIdentity.principalId, 'Communication and Email Service Owner');

const options = { retryOptions: { maxRetries: 0 } };

export function keyClient(key = accessKey, at: string = endpoint): CommunicationIdentityClient {
  return new CommunicationIdentityClient(`endpoint=${at}/;accesskey=${key}`, options);
}

export function bearerClient(
  credential: TokenCredential = cloud.credentialFor(demo.managedIdentity),
): CommunicationIdentityClient {
  return new CommunicationIdentityClient(endpoint, credential, options);
}

const stateSchema = z.object({
  identities: z.array(
    z.object({
      id: z.string(),
      liveTokens: z.number(),
      tokens: z.array(z.object({ scopes: z.array(z.string()), expiresOn: z.string() })),
      revokedAt: z.optional(z.string()),
      deletedAt: z.optional(z.string()),
    }),
  ),
  teamsTokens: z.array(z.object({ userId: z.string(), expiresOn: z.string() })),
});

export function state(): z.infer<typeof stateSchema> {
  return stateSchema.parse(madeStandIns[0]?.state());
}

export function identityState(id: string): z.infer<typeof stateSchema>['identities'][number] | undefined {
  return state().identities.find((identity) => identity.id === id);
}

export interface Signed {
  readonly date?: string;
  /** Sent instead of the body's hash, which is what was signed. */
  readonly sentHash?: string;
  /** Replaces the body after the request was signed. */
  readonly sentBody?: string;
  /** Replaces the path and query after the request was signed. */
  readonly sentPath?: string;
}

const http = createDefaultHttpClient();

/** A request signed by hand, and spoilt afterwards where a test wants it. */
export async function signed(
  method: HttpMethods,
  path: string,
  body = '',
  { date = new Date(cloud.now()).toUTCString(), sentBody = body, sentPath = path, sentHash }: Signed = {},
): Promise<PipelineResponse> {
  const hash = createHash('sha256').update(body).digest('base64');
  const text = `${method}\n${path}\n${date};${endpointHost};${hash}`;
  const signature = createHmac('sha256', Buffer.from(accessKey, 'base64')).update(text).digest('base64');
  const headers = createHttpHeaders({
    'x-ms-date': date,
    'x-ms-content-sha256': sentHash ?? hash,
    authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
    'content-type': 'application/json',
  });
  const withBody = sentBody === '' ? {} : { body: sentBody };
  return http.sendRequest(createPipelineRequest({ url: endpoint + sentPath, method, headers, ...withBody }));
}

export function codeOf(response: PipelineResponse): string {
  const schema = z.object({ error: z.object({ code: z.string() }) });
  return schema.parse(JSON.parse(response.bodyAsText ?? '')).error.code;
}
