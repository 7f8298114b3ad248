// A Graph stand-in behind Graph's own address and calls to it through the SDKs' pipeline, for its tests.
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import * as z from 'zod/mini';
import { demo } from '../../../../local/demo.ts';
import type { Principal } from '../../../../local/standIns/claims.ts';
import type { Application } from '../../../../local/standIns/directory.ts';
import { createGraph } from '../../../../local/standIns/graph.ts';
import type { StandIn } from '../../../../local/standIns/kit.ts';
import { startStandIns } from '../../../support/standIns.ts';

export const graphUrl = 'https://graph.microsoft.com';
const { managedIdentity } = demo;
const { appId, objectId } = demo.serviceClient;
export const byAppId = `/v1.0/applications(appId='${appId}')`;
export const dayMs = 24 * 60 * 60 * 1000;

const madeStandIns: StandIn[] = [];
export const cloud = await startStandIns((tenant) => {
  madeStandIns.push(createGraph(tenant));
  return madeStandIns;
});

export const addition = z.looseObject({
  keyId: z.string(),
  secretText: z.string(),
  hint: z.string(),
  startDateTime: z.string(),
  endDateTime: z.string(),
});
export const failure = z.object({
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    details: z.optional(z.array(z.looseObject({ code: z.string() }))),
    innerError: z.looseObject({ 'request-id': z.string() }),
  }),
});
export const credentials = z.looseObject({
  passwordCredentials: z.array(
    z.looseObject({ keyId: z.string(), hint: z.string(), secretText: z.nullable(z.string()) }),
  ),
});

/** An application of which the managed identity is an owner, with no credentials and no faults in the way. */
export function freshApplication(): Application {
  cloud.faults.clear();
  cloud.directory.grant(managedIdentity.principalId, 'Application.ReadWrite.OwnedBy');
  const application = cloud.directory.addApplication('Imaging', { id: objectId, appId });
  application.owners.add(managedIdentity.principalId);
  return application;
}

export function stateText(): string {
  return JSON.stringify(madeStandIns.map((standIn) => standIn.state()));
}

const client = createDefaultHttpClient();
export type Method = 'GET' | 'POST' | 'PATCH';

export async function call(
  method: Method,
  path: string,
  body?: unknown,
  principal: Principal = managedIdentity,
): Promise<PipelineResponse> {
  const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
  pipeline.addPolicy(
    bearerTokenAuthenticationPolicy({
      credential: cloud.credentialFor(principal),
      scopes: `${graphUrl}/.default`,
    }),
  );
  return pipeline.sendRequest(
    client,
    createPipelineRequest({
      url: graphUrl + path,
      method,
      headers: createHttpHeaders({ 'content-type': 'application/json' }),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
}

export async function readWith(authorization: string | undefined): Promise<PipelineResponse> {
  const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
  const headers = createHttpHeaders(authorization === undefined ? {} : { authorization });
  return pipeline.sendRequest(client, createPipelineRequest({ url: graphUrl + byAppId, headers }));
}

export function json<T>(schema: z.ZodMiniType<T>, response: PipelineResponse): T {
  return schema.parse(JSON.parse(response.bodyAsText ?? ''));
}

/** Answers the error's message. */
export function assertRefused(response: PipelineResponse, status: number, code: string): string {
  const { error } = json(failure, response);
  assert.deepEqual([response.status, error.code], [status, code]);
  assert.equal(error.innerError['request-id'], response.headers.get('request-id'));
  return error.message;
}

export async function keyIds(path = byAppId): Promise<string[]> {
  return json(credentials, await call('GET', path)).passwordCredentials.map(({ keyId }) => keyId);
}

export async function add(passwordCredential?: object): Promise<z.infer<typeof addition>> {
  const response = await call('POST', `${byAppId}/addPassword`, passwordCredential && { passwordCredential });
  assert.equal(response.status, 200, response.bodyAsText ?? '');
  return json(addition, response);
}
