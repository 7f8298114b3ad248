// Graph's refusals: codes and statuses as documented or observed; the wording of the token and OData texts is approximate.
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Judgement } from '../tokens.ts';

export class GraphError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly details: readonly object[] | undefined;

  constructor(status: ContentfulStatusCode, code: string, message: string, details?: readonly object[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

type Refusal = Extract<Judgement, { ok: false }>['reason'] | 'issuer';

const tokenTexts: Readonly<Record<Refusal, string>> = {
  missing: 'Access token is empty.',
  malformed: 'IDX14100: JWT is not well formed, there are no dots (.).',
  expired: 'Lifetime validation failed, the token is expired.',
  audience: 'Access token validation failure. Invalid audience.',
  signature: 'Signing key is invalid.',
  issuer: 'Access token validation failure. Invalid issuer.',
};

export const refused = {
  token: (reason: Refusal): GraphError =>
    new GraphError(401, 'InvalidAuthenticationToken', tokenTexts[reason]),
  privileges: (): GraphError =>
    new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
  absent: (id: string): GraphError =>
    new GraphError(
      404,
      'Request_ResourceNotFound',
      `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
    ),
  segment: (segment: string): GraphError =>
    new GraphError(400, 'BadRequest', `Resource not found for the segment '${segment}'.`),
  method: (): GraphError =>
    new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed for the request target.'),
  badValue: (property: string, resource: string): GraphError =>
    new GraphError(
      400,
      'Request_BadRequest',
      `Invalid value specified for property '${property}' of resource '${resource}'.`,
    ),
  json: (): GraphError =>
    new GraphError(
      400,
      'BadRequest',
      'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
    ),
  unknownProperty: (name: string, type: string): GraphError =>
    new GraphError(
      400,
      'Request_BadRequest',
      `The property '${name}' does not exist on type '${type}'. Make sure to only use property names that are defined by the type.`,
    ),
  select: (name: string, type: string): GraphError =>
    new GraphError(
      400,
      'BadRequest',
      `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type '${type}'.`,
    ),
  date: (literal: string): GraphError =>
    new GraphError(
      400,
      'BadRequest',
      `Cannot convert the literal '${literal}' to the expected type 'Edm.DateTimeOffset'.`,
    ),
  filter: (): GraphError =>
    new GraphError(400, 'Request_UnsupportedQuery', 'Unsupported or invalid query filter clause specified.'),
  noApplication: (appId: string): GraphError => {
    const message = `The appId '${appId}' of the service principal does not reference a valid application object.`;
    const details = [{ code: 'NoBackingApplicationObject', message, target: 'appId' }];
    return new GraphError(400, 'Request_BadRequest', message, details);
  },
  principalExists: (appId: string): GraphError => {
    const message = `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`;
    const details = [{ code: 'ObjectConflict', message, target: 'servicePrincipalNames' }];
    return new GraphError(409, 'Request_MultipleObjectsWithSameKeyValue', message, details);
  },
  referenceExists: (property: string): GraphError =>
    new GraphError(
      400,
      'Request_BadRequest',
      `One or more added object references already exist for the following modified properties: '${property}'.`,
    ),
  assigned: (): GraphError =>
    new GraphError(400, 'Request_BadRequest', 'Permission being assigned already exists on the object'),
  consented: (): GraphError =>
    new GraphError(409, 'Request_MultipleObjectsWithSameKeyValue', 'Permission entry already exists.'),
  noSuchKey: (keyId: string): GraphError =>
    new GraphError(400, 'Request_BadRequest', `No password credential found with keyId ${keyId}.`),
  concurrent: (): GraphError =>
    new GraphError(
      409,
      'Directory_ConcurrencyViolation',
      'Error due to concurrent requests being made to the tenant. Please wait briefly and retry.',
    ),
  lifetime: (policyId: string): GraphError =>
    new GraphError(
      400,
      'CredentialInvalidLifetimeAsPerAppPolicy',
      `Credential lifetime exceeds the max value allowed as per assigned policy '${policyId}'.`,
      [{ code: 'InvalidKeyEndDate', target: 'EndDate' }],
    ),
  passwords: (policyId: string): GraphError =>
    new GraphError(
      400,
      'CredentialTypeNotAllowedAsPerAppPolicy',
      `Credential type not allowed as per assigned policy '${policyId}'.`,
    ),
};
