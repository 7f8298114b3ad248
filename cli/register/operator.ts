// Who is at the terminal: signs in with the person's own account, and reads from its token which tenant and who that is.
import type { TokenCredential } from '@azure/core-auth';
import { AzureCliCredential, DeviceCodeCredential } from '@azure/identity';
import { decodeJwt } from 'jose';
import * as z from 'zod/mini';
import { SignInError } from '../../src/platform/credential.ts';
import { subjectHash } from '../../src/platform/hash.ts';
import type { RegisterOptions } from './options.ts';
import { RegisterProblem } from './problems.ts';

type SignIn = Pick<RegisterOptions, 'tenant' | 'deviceCode' | 'authorityHost'>;

/** Throws `SignInError` with what to run. The prompt of a device code goes to `prompt`. */
export function operatorCredential(
  { tenant, deviceCode, authorityHost }: SignIn,
  prompt: (text: string) => void,
): TokenCredential {
  const where = tenant === undefined ? {} : { tenantId: tenant };
  const inner = deviceCode
    ? new DeviceCodeCredential({
        ...{ ...where, authorityHost },
        userPromptCallback: ({ message }) => {
          prompt(`${message}\n`);
        },
      })
    : new AzureCliCredential(where);
  const login = tenant === undefined ? 'az login' : `az login --tenant ${tenant}`;
  return {
    // The tenant that a vault's challenge names is left out: the token is the operator's own, and a foreign vault refuses it.
    async getToken(scopes, { tenantId: _tenantId, ...options } = {}) {
      try {
        // Tokens with and without CAE have separate caches: a person would be asked for a second code (measured).
        return await inner.getToken(scopes, { ...options, enableCae: true });
      } catch (cause) {
        const text = deviceCode
          ? 'Sign-in with a device code failed. Run this again and enter the new code in time, as a member of the tenant.'
          : `Sign-in failed: the Azure CLI gave no token. Run ${login}, or use --device-code.`;
        throw new SignInError(text, { cause });
      }
    },
  };
}

export interface Operator {
  readonly tenantId: string;
  /** For the audit: the person is named by a digest, the same as where a route of the app is called. */
  readonly actor: string;
}

const claimsShape = z.object({ tid: z.guid(), oid: z.guid() });

/** Reads the operator's own token, which nobody else vouches for: for what is printed and recorded, never for a decision. */
export async function whoIs(
  credential: TokenCredential,
  { tenant, graphEndpoint }: Pick<RegisterOptions, 'tenant' | 'graphEndpoint'>,
): Promise<Operator> {
  const answer = await credential.getToken(`${graphEndpoint}/.default`);
  const claims = claimsShape.safeParse(payloadOf(answer?.token ?? ''));
  if (!claims.success)
    throw new RegisterProblem(
      'sign_in_failed',
      'The sign-in gave a token that does not say who you are and where.',
    );
  const { tid: tenantId, oid } = claims.data;
  if (tenant !== undefined && z.guid().safeParse(tenant).success && tenant !== tenantId.toLowerCase()) {
    throw new RegisterProblem(
      'tenant_mismatch',
      `--tenant: you are signed in to ${tenantId}, not to ${tenant}.\naz login --tenant ${tenant}`,
    );
  }
  return {
    tenantId: tenantId.toLowerCase(),
    actor: `user:${subjectHash(`entra.${tenantId}.${oid}`.toLowerCase())}`,
  };
}

function payloadOf(token: string): unknown {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}
