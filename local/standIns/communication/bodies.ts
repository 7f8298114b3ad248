// What may be asked of ACS identity: scopes and lifetimes, as the service and not the SDK checks them.
import * as z from 'zod/mini';
import { refused } from './errors.ts';

const knownScopes = ['chat', 'voip', 'chat.join', 'chat.join.limited', 'voip.join'];
const minMinutes = 60;
const maxMinutes = 1440;

export interface TokenWish {
  readonly scopes: readonly string[];
  /** How long the token shall live: 60 to 1440 minutes, 1440 if nothing is said. */
  readonly minutes: number;
}

export interface TeamsWish {
  readonly token: string;
  readonly appId: string;
  readonly userId: string;
}

/** The token to make with an identity, or undefined when none was asked for. Throws `CommunicationError` (400). */
export function createBody(text: string): TokenWish | undefined {
  const body = text === '' ? {} : parseObject(text);
  const minutes = minutesOf(body['expiresInMinutes']);
  const { createTokenWithScopes } = body;
  if (createTokenWithScopes === undefined || createTokenWithScopes === null) return undefined;
  return { scopes: scopesOf(createTokenWithScopes, 'createTokenWithScopes'), minutes };
}

/** Throws `CommunicationError` (400). */
export function issueBody(text: string): TokenWish {
  const body = parseObject(text);
  return { scopes: scopesOf(body['scopes'], 'scopes'), minutes: minutesOf(body['expiresInMinutes']) };
}

/** Throws `CommunicationError` (400). */
export function exchangeBody(text: string): TeamsWish {
  const body = parseObject(text);
  const field = (name: string): string => {
    const value = body[name];
    if (typeof value === 'string' && value !== '') return value;
    throw refused.field(name, `${name.charAt(0).toUpperCase()}${name.slice(1)} field is required.`);
  };
  return { token: field('token'), appId: field('appId'), userId: field('userId') };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw refused.body();
  }
}

function scopesOf(value: unknown, target: string): readonly string[] {
  const scopes = z.array(z.string()).safeParse(value);
  if (!scopes.success || scopes.data.length === 0) throw refused.field(target, 'Scopes field is required.');
  const unknown = scopes.data.find((scope) => !knownScopes.includes(scope));
  if (unknown !== undefined) throw refused.field(target, `Scope '${unknown}' is not supported.`);
  return scopes.data;
}

function minutesOf(value: unknown): number {
  if (value === undefined || value === null) return maxMinutes;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minMinutes && value <= maxMinutes)
    return value;
  throw refused.field('expiresInMinutes', `The value must be between ${minMinutes} and ${maxMinutes}.`);
}
