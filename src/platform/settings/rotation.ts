// The settings of the secret rotation, with the sanity rules of its policy.
import { readCallers, readCredential, readRole } from './callers.ts';
import { complete } from './complete.ts';
import type { Reader } from './reader.ts';
import { readState } from './storage.ts';
import type { ServiceClientInput } from './serviceClients.ts';
import type { RotationSettings, ServiceClientSettings } from './types.ts';

const single = ['SERVICE_CLIENT_APP_ID', 'SERVICE_CLIENT_TENANT_ID', 'SERVICE_CLIENT_SECRET_NAME'] as const;

export function readRotation(reader: Reader): RotationSettings | undefined {
  const callers = readCallers(reader);
  const parts = complete({
    vaultUrl: reader.required('KEY_VAULT_URL'),
    clients: readClients(reader),
    graphEndpoint: reader.optional('GRAPH_ENDPOINT'),
    authorityHost: reader.optional('AZURE_AUTHORITY_HOST'),
    operatorRole: readRole(reader, 'AUTH_OPERATOR_ROLE', callers),
    state: readState(reader),
  });
  reader.optional('ROTATION_SCHEDULE');
  const credential = readCredential(reader, 'ROTATION_CLIENT_ID');
  return parts && { ...parts, callers, credential };
}

function readClients(reader: Reader): readonly ServiceClientSettings[] | undefined {
  const inputs = readInputs(reader);
  const defaults = complete({
    validityDays: reader.optional('ROTATION_VALIDITY_DAYS'),
    beforeDays: reader.optional('ROTATION_BEFORE_DAYS'),
    overlapHours: reader.optional('ROTATION_OVERLAP_HOURS'),
    retire: reader.optional('ROTATION_RETIRE'),
  });
  if (!inputs || !defaults) return undefined;
  const clients = inputs.map(({ appId, tenantId, secretName, ...own }) => ({
    ...{ appId: appId.toLowerCase(), tenantId: tenantId.toLowerCase(), secretName },
    validityDays: own.validityDays ?? defaults.validityDays,
    beforeDays: own.beforeDays ?? defaults.beforeDays,
    overlapHours: own.overlapHours ?? defaults.overlapHours,
    retire: own.retire ?? defaults.retire,
  }));
  clients.forEach((client, index) => {
    checkPolicy(reader, client, inputs.length === 1 ? '' : ` for SERVICE_CLIENTS[${index}]`);
  });
  const names = clients.map(({ secretName }) => secretName.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    reader.problem(
      'SERVICE_CLIENTS',
      `found the secret name "${twice}" twice; expected one client per secret`,
    );
  return clients;
}

function readInputs(reader: Reader): readonly ServiceClientInput[] | undefined {
  if (reader.has('SERVICE_CLIENTS')) {
    const both = single.filter((name) => reader.has(name));
    if (both.length > 0)
      reader.problem('SERVICE_CLIENTS', `given together with ${both.join(', ')}; expected one form`);
    return reader.optional('SERVICE_CLIENTS');
  }
  const parts = complete({
    appId: reader.required('SERVICE_CLIENT_APP_ID'),
    tenantId: reader.required('SERVICE_CLIENT_TENANT_ID'),
    secretName: reader.required('SERVICE_CLIENT_SECRET_NAME'),
  });
  return parts && [parts];
}

/**
 * A secret must outlive the wait for its renewal and the overlap after it; a renewal must leave time to notice a failure.
 * Secrets that nobody removes pile up where each is renewed early in its life, until no further one is allowed.
 */
function checkPolicy(reader: Reader, client: ServiceClientSettings, where: string): void {
  const { validityDays, beforeDays, overlapHours, retire } = client;
  const overlapDays = overlapHours / 24;
  if (validityDays < beforeDays + overlapDays) {
    reader.problem(
      'ROTATION_VALIDITY_DAYS',
      `found ${validityDays} days${where}; expected at least ROTATION_BEFORE_DAYS (${beforeDays}) plus ROTATION_OVERLAP_HOURS (${overlapHours})`,
    );
  }
  if (retire === 'expire' && 2 * beforeDays > validityDays) {
    reader.problem(
      'ROTATION_BEFORE_DAYS',
      `found ${beforeDays} days${where}; expected at most half of ROTATION_VALIDITY_DAYS (${validityDays}) where ROTATION_RETIRE is expire`,
    );
  }
  if (beforeDays < 2 * overlapDays) {
    reader.problem(
      'ROTATION_BEFORE_DAYS',
      `found ${beforeDays} days${where}; expected at least twice ROTATION_OVERLAP_HOURS (${overlapHours})`,
    );
  }
}
