// The settings of the token service.
import { Secret } from '../secret.ts';
import { entraTenant, readCallers, readCredential, readRole } from './callers.ts';
import { complete } from './complete.ts';
import type { Reader } from './reader.ts';
import { readState } from './storage.ts';
import type { CallerSettings, CommunicationSettings } from './types.ts';

export function readCommunication(reader: Reader): CommunicationSettings | undefined {
  const callers = readCallers(reader);
  const minutesDefault = reader.optional('TOKEN_MINUTES_DEFAULT');
  const minutesMax = reader.optional('TOKEN_MINUTES_MAX');
  if (minutesDefault !== undefined && minutesMax !== undefined && minutesDefault > minutesMax) {
    reader.problem(
      'TOKEN_MINUTES_DEFAULT',
      `found ${minutesDefault}; expected at most TOKEN_MINUTES_MAX (${minutesMax})`,
    );
  }
  const parts = complete({
    resource: readResource(reader),
    scopes: reader.optional('TOKEN_SCOPES'),
    minutesDefault,
    minutesMax,
    requestsPerMinute: reader.optional('TOKEN_REQUESTS_PER_MINUTE'),
    backendRole: readRole(reader, 'AUTH_BACKEND_ROLE', callers),
    selfErase: reader.optional('SELF_ERASE'),
    identityRepair: reader.optional('IDENTITY_REPAIR'),
    state: readState(reader),
  });
  const optional = { callers, teamsClientId: readTeams(reader, callers) };
  reader.optional('IDENTITY_CLEANUP_SCHEDULE');
  const credential = readCredential(reader, 'COMMUNICATION_CLIENT_ID');
  return parts && { ...parts, ...optional, credential };
}

function readResource(reader: Reader): CommunicationSettings['resource'] | undefined {
  const byEndpoint = reader.has('COMMUNICATION_SERVICES_ENDPOINT');
  const byString = reader.has('COMMUNICATION_SERVICES_CONNECTION_STRING');
  if (byEndpoint && byString) {
    reader.problem(
      'COMMUNICATION_SERVICES_ENDPOINT',
      'given together with COMMUNICATION_SERVICES_CONNECTION_STRING; expected one',
    );
    reader.optional('COMMUNICATION_SERVICES_ENDPOINT');
    reader.optional('COMMUNICATION_SERVICES_CONNECTION_STRING');
    return undefined;
  }
  if (byString) {
    const text = reader.optional('COMMUNICATION_SERVICES_CONNECTION_STRING');
    const endpoint = /^endpoint=([^;]+);/i.exec(text ?? '')?.[1];
    if (text === undefined || endpoint === undefined) return undefined;
    return {
      kind: 'connectionString',
      endpoint: new URL(endpoint).origin,
      connectionString: new Secret(text),
    };
  }
  const endpoint = reader.required('COMMUNICATION_SERVICES_ENDPOINT');
  return endpoint === undefined ? undefined : { kind: 'endpoint', endpoint };
}

/** The Teams exchange names the Entra object id of the verified caller, so it needs Entra's tokens. */
function readTeams(reader: Reader, callers: CallerSettings | undefined): string | undefined {
  const clientId = reader.optional('TEAMS_CLIENT_ID');
  if (clientId !== undefined && (callers === undefined || entraTenant(callers.issuer) === undefined)) {
    reader.problem(
      'TEAMS_CLIENT_ID',
      'given without an Entra AUTH_ISSUER; the exchange names the Entra user who calls',
    );
  }
  return clientId;
}
