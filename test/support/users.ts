// Users for the end-to-end tests, and the shapes of what the token service answers them.
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import type { Api } from './api.ts';

export const token = z.strictObject({
  token: z.string(),
  expiresOn: z.string(),
  scopes: z.array(z.string()),
  user: z.strictObject({ communicationUserId: z.string() }),
  endpoint: z.string(),
});
const text = z.nullable(z.string());
const access = z.enum(['enabled', 'disabled']);
export const identity = z.strictObject({ communicationUserId: text, createdOn: text, access });

export interface User {
  readonly bearer: string;
  /** As a backend names the user. */
  readonly userId: string;
}

/** A signed-in user nobody else in these tests is. */
export async function signInNewUser(api: Api): Promise<User> {
  const oid = crypto.randomUUID();
  return {
    bearer: await api.sign({ claims: { oid, sub: oid } }),
    userId: `entra.${demo.tenantId}.${oid}`,
  };
}

export function claimsOf(jwt: string): { exp: number } {
  const payload = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString();
  return z.looseObject({ exp: z.number() }).parse(JSON.parse(payload));
}
