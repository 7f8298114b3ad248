// The refusals of ACS identity: Denied, IdentityNotOwned, InvalidAccessToken and empty scopes as recorded, the rest plausible.
import type { ContentfulStatusCode } from 'hono/utils/http-status';

export class CommunicationError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly target: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    more: { target?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.target = more.target;
    this.headers = more.headers ?? {};
  }
}

export const refused = {
  /** Whatever is wrong with our own credential, the service says no more than this. */
  caller: (): CommunicationError => new CommunicationError(401, 'Denied', 'Denied by the resource provider.'),
  identity: (): CommunicationError =>
    new CommunicationError(401, 'IdentityNotOwned', "Provided identity doesn't belong to the resource."),
  /** Status and code of the real service are not known for sure; the text is. */
  deleted: (): CommunicationError =>
    new CommunicationError(404, 'IdentityNotFound', "Provided identity doesn't exist."),
  field: (target: string, problem: string): CommunicationError =>
    new CommunicationError(400, 'ValidationError', `Invalid ${target} - ${problem}`, { target }),
  body: (): CommunicationError =>
    new CommunicationError(400, 'ValidationError', 'The request body is not a valid JSON object.'),
  teamsToken: (): CommunicationError =>
    new CommunicationError(401, 'InvalidAccessToken', 'Provided access token is not valid.'),
  noVersion: (): CommunicationError =>
    new CommunicationError(
      400,
      'ApiVersionUnspecified',
      'An API version is required, but was not specified.',
    ),
  version: (version: string): CommunicationError =>
    new CommunicationError(
      400,
      'UnsupportedApiVersion',
      `The HTTP resource that matches the request URI does not support the API version '${version}'.`,
    ),
  tooMany: (retryAfterSeconds: number | undefined): CommunicationError =>
    new CommunicationError(429, 'TooManyRequests', 'Rate limit is exceeded. Try again later.', {
      headers: retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) },
    }),
};
