// Entra's refusals: which AADSTS code means what, with its HTTP status, OAuth error and text.
import { randomUUID } from 'node:crypto';
import type { Now } from './kit.ts';

interface Kind {
  readonly status: 400 | 401;
  readonly error: string;
  /** Entra leaves the link out of some answers (captured: 70003). */
  readonly noLink?: true;
}

const kinds = {
  50027: { status: 400, error: 'invalid_request' },
  70000: { status: 400, error: 'invalid_grant' },
  70016: { status: 400, error: 'authorization_pending' },
  70018: { status: 400, error: 'bad_verification_code' },
  70019: { status: 400, error: 'expired_token' },
  70003: { status: 400, error: 'unsupported_grant_type', noLink: true },
  70011: { status: 400, error: 'invalid_scope' },
  90002: { status: 400, error: 'invalid_request' },
  500011: { status: 400, error: 'invalid_resource' },
  700016: { status: 400, error: 'unauthorized_client' },
  700024: { status: 401, error: 'invalid_client' },
  700211: { status: 401, error: 'invalid_client' },
  700212: { status: 401, error: 'invalid_client' },
  700213: { status: 401, error: 'invalid_client' },
  900144: { status: 400, error: 'invalid_request' },
  1002012: { status: 400, error: 'invalid_scope' },
  7000215: { status: 401, error: 'invalid_client' },
  7000216: { status: 401, error: 'invalid_client' },
  7000222: { status: 401, error: 'invalid_client' },
  7000229: { status: 401, error: 'unauthorized_client' },
} as const satisfies Record<number, Kind>;
export type AadstsCode = keyof typeof kinds;

/** Thrown where a request is judged; the token endpoint turns it into Entra's answer. */
export class EntraRefusal extends Error {
  readonly code: AadstsCode;

  constructor(code: AadstsCode, text: string) {
    super(text);
    this.code = code;
  }
}

export interface EntraAnswer {
  readonly status: 400 | 401;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The error body as Entra writes it. `correlationId` is the client's own request id, if it sent one. */
export function entraAnswer(
  refusal: EntraRefusal,
  now: Now,
  correlationId: string = randomUUID(),
): EntraAnswer {
  const kind: Kind = kinds[refusal.code];
  const trace = randomUUID();
  const time = `${new Date(now()).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const ids = `Trace ID: ${trace} Correlation ID: ${correlationId} Timestamp: ${time}`;
  return {
    status: kind.status,
    body: {
      error: kind.error,
      error_description: `AADSTS${refusal.code}: ${refusal.message} ${ids}`,
      error_codes: [refusal.code],
      timestamp: time,
      trace_id: trace,
      correlation_id: correlationId,
      ...(kind.noLink ? {} : { error_uri: `https://login.microsoftonline.com/error?code=${refusal.code}` }),
    },
  };
}
