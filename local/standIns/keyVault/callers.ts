// Who calls Key Vault: the token is judged and refused in Key Vault's manner (its AKV texts are approximate).
import { decodeJwt } from 'jose';
import type { Directory } from '../directory.ts';
import type { TokenOffice } from '../tokens.ts';
import { refused } from './errors.ts';

export interface Caller {
  readonly oid: string;
  readonly appId: string;
  readonly issuer: string;
}

const resource = 'https://vault.azure.net';
const vaultAppId = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093';

/** What a 401 tells the client: where to get a token and for what. */
export function challenge(tenantId: string): string {
  return `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="${resource}"`;
}

/** Throws `VaultError` (401) for a token that Key Vault would not take. */
export async function callerOf(
  authorization: string | undefined,
  tokens: TokenOffice,
  { tenantId }: Directory,
): Promise<Caller> {
  const judged = await tokens.judge(authorization, resource, vaultAppId);
  if (!judged.ok) throw refused.token(tokenText(judged.reason, authorization));
  const { claims } = judged;
  const issuers = [
    `https://sts.windows.net/${tenantId}/`,
    `https://login.microsoftonline.com/${tenantId}/v2.0`,
  ];
  const issuer = claims.iss ?? '';
  if (!issuers.includes(issuer)) {
    throw refused.token(`AKV10032: Invalid issuer. Expected one of ${issuers.join(', ')}, found ${issuer}.`);
  }
  return { oid: String(claims['oid']), appId: String(claims['appid'] ?? claims['azp']), issuer };
}

function tokenText(
  reason: 'missing' | 'malformed' | 'expired' | 'audience' | 'signature',
  authorization: string | undefined,
): string {
  switch (reason) {
    case 'missing':
      return 'AKV10000: Request is missing a Bearer or PoP token.';
    case 'expired':
      return "[TokenExpired] Error validating token: 'S2S12086'.";
    case 'audience':
      return `AKV10022: Invalid audience. Expected ${resource}, found: ${audienceOf(authorization)}.`;
    case 'malformed':
    case 'signature':
      return "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'.";
  }
}

function audienceOf(authorization: string | undefined): string {
  return [decodeJwt(authorization?.split(' ')[1] ?? '').aud ?? ''].flat().join(' ');
}
