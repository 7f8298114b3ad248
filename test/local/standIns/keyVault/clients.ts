// A Key Vault stand-in behind vault addresses, the real SecretClient for it, and raw requests, for its tests.
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { SecretClient } from '@azure/keyvault-secrets';
import * as z from 'zod/mini';
import { demo } from '../../../../local/demo.ts';
import type { Principal } from '../../../../local/standIns/claims.ts';
import { createKeyVault } from '../../../../local/standIns/keyVault.ts';
import type { StandIn } from '../../../../local/standIns/kit.ts';
import { startStandIns } from '../../../support/standIns.ts';

export const otherVaultUrl = 'https://other-demo.vault.azure.net';
export const apiVersion = 'api-version=2025-07-01';

const madeStandIns: StandIn[] = [];
export const cloud = await startStandIns((tenant) => {
  const vaultHosts = [demo.vaultUrl, otherVaultUrl].map((url) => new URL(url).host);
  madeStandIns.push(createKeyVault({ ...tenant, vaultHosts }));
  return madeStandIns;
});
cloud.directory.grant(demo.managedIdentity.principalId, 'Key Vault Secrets Officer');

export function clientFor(
  vaultUrl: string = demo.vaultUrl,
  principal: Principal = demo.managedIdentity,
): SecretClient {
  return new SecretClient(vaultUrl, cloud.credentialFor(principal), { retryOptions: { maxRetries: 0 } });
}

export function stateText(): string {
  return JSON.stringify(madeStandIns.map((standIn) => standIn.state()));
}

const http = createDefaultHttpClient();

export interface RawRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly authorization?: string | undefined;
  readonly body?: string;
  readonly vaultUrl?: string;
}

/** Without `authorization` the managed identity's token is sent; with undefined, none. */
export async function raw(path: string, request: RawRequest = {}): Promise<PipelineResponse> {
  const own = `Bearer ${await cloud.tokenFor(demo.managedIdentity, 'https://vault.azure.net')}`;
  const authorization = 'authorization' in request ? request.authorization : own;
  return http.sendRequest(
    createPipelineRequest({
      url: (request.vaultUrl ?? demo.vaultUrl) + path,
      method: request.method ?? 'GET',
      headers: createHttpHeaders(authorization === undefined ? {} : { authorization }),
      ...(request.body === undefined ? {} : { body: request.body }),
    }),
  );
}

export function errorOf(response: PipelineResponse): { code: string; message: string } {
  const schema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
  return schema.parse(JSON.parse(response.bodyAsText ?? '')).error;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
