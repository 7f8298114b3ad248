// How the app signs in to Azure: the platform's managed identity, or the person's own sign-in on a workstation.
import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  AzurePowerShellCredential,
  ChainedTokenCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
} from '@azure/identity';
import type { Clock } from './clock.ts';
import { credentialTimeoutMs } from './limits.ts';
import type { CredentialSettings } from './settings/types.ts';

/** Sign-in failed. The message says what was tried and what to do; it is for the log and the operator, not for callers. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
}

/** The sign-in failure that lies underneath an error, if that is what does. */
export function signInErrorIn(error: unknown): SignInError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof SignInError) return at;
  return undefined;
}

/** Whether a sign-in failure is what lies underneath: then the request was certainly never sent. */
export function signInFailed(error: unknown): boolean {
  return signInErrorIn(error) !== undefined;
}

/** Entra's own code, which says more than anything we could and nothing secret; its text names people and resources. */
function refusalIn(error: unknown): string | undefined {
  return error instanceof Error ? /AADSTS\d{3,7}/.exec(error.message)?.[0] : undefined;
}

/** Reported for tokens of Communication Services (https://github.com/Azure/azure-cli/issues/26271). */
const notForThisTool = 'AADSTS65002';
const otherTool =
  'Entra does not let this tool ask for tokens of that service. Sign in as an application: AZURE_TOKEN_CREDENTIALS=EnvironmentCredential with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.';

interface Way {
  readonly tried: string;
  readonly advice: string;
  readonly make: () => TokenCredential;
}

/**
 * A credential for one identity. Each `getToken` ends within 20 s, and concurrent calls for one scope share a request:
 * the managed identity credential itself does neither (measured with @azure/identity 4.14).
 * Throws `SignInError`.
 */
export function createCredential(settings: CredentialSettings, clock: Clock): TokenCredential {
  const way = chooseWay(settings);
  let inner: TokenCredential | undefined;
  const underWay = new Map<string, Promise<AccessToken | null>>();

  async function ask(
    scopes: string | string[],
    options: GetTokenOptions | undefined,
  ): Promise<AccessToken | null> {
    const timeout = new AbortController();
    try {
      inner ??= way.make();
      const late = clock.sleep(credentialTimeoutMs, timeout.signal).then(() => {
        throw new Error(`no answer within ${String(credentialTimeoutMs / 1000)} s`);
      });
      late.catch(() => undefined);
      return await Promise.race([inner.getToken(scopes, options ?? {}), late]);
    } catch (cause) {
      const code = refusalIn(cause);
      const advice = code === notForThisTool ? otherTool : way.advice;
      const told = code === undefined ? '' : ` (${code})`;
      throw new SignInError(`Sign-in failed${told}. Tried: ${way.tried}. ${advice}`, { cause });
    } finally {
      timeout.abort();
    }
  }

  return {
    getToken(scopes, options) {
      const key = JSON.stringify([scopes, options?.tenantId, options?.claims, options?.enableCae]);
      const known = underWay.get(key);
      if (known) return known;
      const asked = ask(scopes, options).finally(() => underWay.delete(key));
      underWay.set(key, asked);
      return asked;
    },
  };
}

function chooseWay(settings: CredentialSettings): Way {
  const { clientId, tokenCredentials } = settings;
  if (tokenCredentials !== undefined) {
    return {
      tried: `what AZURE_TOKEN_CREDENTIALS=${tokenCredentials} names`,
      advice: 'Check that setting: dev, prod or the name of one credential of the Azure SDK.',
      make: () =>
        new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId }),
    };
  }
  if (settings.managedIdentity) {
    const which =
      clientId === undefined
        ? 'the system-assigned managed identity'
        : `the managed identity with client id ${clientId}`;
    return {
      tried: which,
      advice:
        "Assign that identity to the function app (Identity blade), and check AZURE_CLIENT_ID or the job's own, such as ROTATION_CLIENT_ID.",
      make: () =>
        clientId === undefined
          ? new ManagedIdentityCredential()
          : new ManagedIdentityCredential({ clientId }),
    };
  }
  return {
    tried: 'Azure CLI, Azure Developer CLI, Azure PowerShell',
    advice: 'Run `az login` on this machine, or set AZURE_TOKEN_CREDENTIALS.',
    make: () =>
      new ChainedTokenCredential(
        new AzureCliCredential(),
        new AzureDeveloperCliCredential(),
        new AzurePowerShellCredential(),
      ),
  };
}
