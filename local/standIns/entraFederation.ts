// Client assertions at Entra's token endpoint: a federated identity instead of a secret.
import { decodeJwt, type JWTPayload } from 'jose';
import type { Directory } from './directory.ts';
import { EntraRefusal } from './entraErrors.ts';
import type { TokenOffice } from './tokens.ts';

/**
 * Throws unless the assertion is a token of this tenant (such as a managed identity's) that one of the application's
 * federated credentials trusts: issuer, then subject, then audience, letter by letter as Entra compares them.
 */
export async function proveByAssertion(
  { directory, tokens }: { directory: Directory; tokens: TokenOffice },
  appId: string,
  assertion: string,
): Promise<void> {
  const claims = await verified(tokens, assertion);
  const mismatch = (code: 700211 | 700212 | 700213, what: string, value: unknown) =>
    new EntraRefusal(
      code,
      `No matching federated identity record found for presented assertion ${what} '${String(value)}'. Please check your ` +
        `federated identity credential Subject, Audience and Issuer against the presented assertion.`,
    );
  const all = directory.applications.get(appId)?.federatedIdentityCredentials ?? [];
  const ofIssuer = all.filter(({ issuer }) => issuer === claims.iss);
  if (ofIssuer.length === 0) throw mismatch(700211, 'issuer', claims.iss);
  const ofSubject = ofIssuer.filter(({ subject }) => subject === claims.sub);
  if (ofSubject.length === 0) throw mismatch(700213, 'subject', claims.sub);
  const presented = [claims.aud].flat();
  if (
    !ofSubject.some(({ audiences }) => presented.some((one) => one !== undefined && audiences.includes(one)))
  ) {
    throw mismatch(700212, 'audience', claims.aud);
  }
}

async function verified(tokens: TokenOffice, assertion: string): Promise<JWTPayload> {
  let audience: string | undefined;
  try {
    audience = [decodeJwt(assertion).aud].flat()[0];
  } catch {
    throw new EntraRefusal(50027, 'JWT token is invalid or malformed.');
  }
  const judged = await tokens.judge(`Bearer ${assertion}`, audience ?? '');
  if (judged.ok) return judged.claims;
  if (judged.reason === 'expired') {
    throw new EntraRefusal(700024, 'Client assertion is not within its valid time range.');
  }
  throw new EntraRefusal(50027, 'JWT token is invalid or malformed.');
}
