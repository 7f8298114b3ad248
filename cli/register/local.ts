// `--local`: sends the Azure hosts to the stand-ins of a local run, and signs in as the demo administrator of its tenant.
import type { TokenCredential } from '@azure/core-auth';
import { createRequire } from 'node:module';
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import { localDirectory, readRunFile } from '../../local/runFile.ts';
import { azureCliAppId, cliPermissions } from '../../local/standIns/claims.ts';
import { UsageError } from '../commandLine.ts';

export interface LocalAzure {
  readonly administrator: TokenCredential;
  /** Connection string of the run's storage, which holds the app's audit. */
  readonly storage: string;
}

const signed = z.object({ token: z.string() });

/** From here on this process reaches no other host than the stand-ins. Throws `UsageError` where no local run goes on. */
export function joinLocalRun(environment: Readonly<Record<string, string | undefined>>): LocalAzure {
  const run = readRunFile(localDirectory(environment));
  if (!run) throw new UsageError('--local: no local run goes on. Start one with npm start or npm run azure.');
  createRequire(import.meta.url)('../../local/preload.cjs');
  const { faults, storage } = run.azure;
  return {
    storage,
    administrator: {
      async getToken(scopes) {
        const resource = [scopes].flat()[0]?.replace(/\/\.default$/, '') ?? '';
        const body = JSON.stringify({ claims: claimsFor(resource) });
        const reply = await fetch(`${faults}/tokens`, { method: 'POST', body });
        const { token } = signed.parse(await reply.json());
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    },
  };
}

/** What the Azure CLI's token of that person says, as far as the stand-ins look at it. */
function claimsFor(resource: string): object {
  const { tenantId, administrator } = demo;
  return {
    ...{ aud: resource, iss: `https://sts.windows.net/${tenantId}/`, tid: tenantId, appid: azureCliAppId },
    ...{ oid: administrator.oid, sub: administrator.oid, name: administrator.name, ver: '1.0' },
    scp: resource === 'https://graph.microsoft.com' ? cliPermissions.join(' ') : 'user_impersonation',
  };
}
