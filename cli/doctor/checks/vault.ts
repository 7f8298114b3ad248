// Key Vault: proves what the app may do with a secret without seeing or changing a value.
import { SecretClient } from '@azure/keyvault-secrets';
import type { DependencyName } from '../../../src/platform/cures.ts';
import { AppError } from '../../../src/platform/errors.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import { sdkOptions } from '../../../src/platform/restClient.ts';
import type { CredentialSettings } from '../../../src/platform/settings/types.ts';
import { saysAbsent, vaultFailure } from '../../../src/rotation/vaultAnswers.ts';
import { RotationProblem } from '../../../src/rotation/problems.ts';
import { fine, look, statusIn, unproven, type Finding, type Looked } from '../finding.ts';

export interface SecretPlace {
  readonly name: Extract<DependencyName, 'keyVault' | 'webhookKey'>;
  readonly vaultUrl: string;
  readonly secretName: string;
  readonly credential: CredentialSettings;
}

/** Of the form of a version's id, and of none that exists: asking for it needs the right, and finds nothing. */
const noVersion = '0'.repeat(32);

export function vaultChecks(place: SecretPlace, platform: Platform): readonly Promise<Finding>[] {
  const { name, vaultUrl, secretName } = place;
  const client = new SecretClient(
    vaultUrl,
    platform.credential(place.credential),
    sdkOptions(1, platform.httpClient),
  );
  const vault = new URL(vaultUrl).host.split('.')[0];
  const tried = (check: string, work: () => Promise<Looked>): Promise<Finding> =>
    look(name, `Key Vault: ${check} "${secretName}"`, () => judged(work), { vault, secret: secretName });
  const found = [
    tried('list versions of', () => versions(client, place)),
    tried('read', () => absent(client.getSecret(secretName, { version: noVersion }))),
  ];
  if (name === 'webhookKey') return found;
  return [
    ...found,
    tried('see whether somebody deleted', () => deleted(client, secretName)),
    tried('tag and disable versions of', () =>
      absent(client.updateSecretProperties(secretName, noVersion, {})),
    ),
    Promise.resolve({
      check: `Key Vault: set "${secretName}"`,
      ...unproven('nothing harmless shows the right to set; the role that lets it be tagged has it as well'),
    }),
  ];
}

async function versions(client: SecretClient, { name, secretName }: SecretPlace): Promise<Looked> {
  let enabled = 0;
  try {
    for await (const version of client.listPropertiesOfSecretVersions(secretName))
      if (version.enabled) enabled += 1;
  } catch (error) {
    if (!saysAbsent(error)) throw error;
  }
  if (enabled > 0) return fine(`${enabled} enabled`);
  if (name === 'keyVault') return fine('there is none yet: the first run makes one');
  throw new AppError('misconfigured', 'There is no enabled version of the signing key.', {
    cause: Object.assign(new Error(), { statusCode: 403 }),
  });
}

/** A name that is soft-deleted cannot be written to; the rotation refuses to mint then. */
async function deleted(client: SecretClient, secretName: string): Promise<Looked> {
  try {
    await client.getDeletedSecret(secretName);
  } catch (error) {
    if (!saysAbsent(error)) throw error;
    return fine();
  }
  throw new RotationProblem('secret_deleted');
}

async function absent(request: Promise<unknown>): Promise<Looked> {
  try {
    await request;
  } catch (error) {
    if (!saysAbsent(error)) throw error;
  }
  return fine();
}

async function judged(work: () => Promise<Looked>): Promise<Looked> {
  try {
    return await work();
  } catch (error) {
    const status = statusIn(error);
    throw status === undefined ? error : vaultFailure(error, { status, requestId: undefined });
  }
}
