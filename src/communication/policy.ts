// What a caller may ask for: scopes and minutes only ever narrow what the settings allow.
import { AppError } from '../platform/errors.ts';
import type { TokenScope } from '../platform/settings/types.ts';

export interface TokenRequest {
  readonly scopes?: readonly string[] | undefined;
  readonly expiresInMinutes?: number | undefined;
}

export interface TokenPolicy {
  /** The widest set. */
  readonly scopes: readonly TokenScope[];
  readonly minutesDefault: number;
  readonly minutesMax: number;
}

export interface TokenWish {
  readonly scopes: readonly TokenScope[];
  readonly minutes: number;
}

/** ACS takes no shorter life. */
export const minutesMin = 60;

/** Throws `invalid_request` naming the field; what was asked for is never repeated. */
export function narrow(request: TokenRequest, policy: TokenPolicy): TokenWish {
  return { scopes: scopesOf(request, policy), minutes: minutesOf(request, policy) };
}

function scopesOf({ scopes }: TokenRequest, { scopes: allowed }: TokenPolicy): readonly TokenScope[] {
  if (scopes === undefined) return allowed;
  const wanted = allowed.filter((scope) => scopes.includes(scope));
  if (wanted.length === 0 || wanted.length !== new Set(scopes).size) {
    throw new AppError('invalid_request', `scopes: expected one or more of ${allowed.join(', ')}.`);
  }
  return wanted;
}

function minutesOf({ expiresInMinutes }: TokenRequest, { minutesDefault, minutesMax }: TokenPolicy): number {
  const minutes = expiresInMinutes ?? minutesDefault;
  if (!Number.isInteger(minutes) || minutes < minutesMin || minutes > minutesMax) {
    throw new AppError(
      'invalid_request',
      `expiresInMinutes: expected a whole number from ${minutesMin} to ${minutesMax}.`,
    );
  }
  return minutes;
}
