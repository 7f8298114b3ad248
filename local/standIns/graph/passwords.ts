// Password credentials as Graph takes and shows them: the request bodies, the generated secret, the wire shape.
import { randomInt, randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { StoredCredential } from '../directory.ts';
import { refused } from './errors.ts';

/** What may be read at any time: never the secret itself. */
export interface WireCredential {
  readonly customKeyIdentifier: null;
  readonly displayName: string | null;
  readonly endDateTime: string;
  readonly hint: string;
  readonly keyId: string;
  readonly secretText: null;
  readonly startDateTime: string;
}

const type = 'microsoft.graph.passwordCredential';
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)$/;
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const additionSchema = z.object({
  passwordCredential: z.optional(
    z.object({
      displayName: z.optional(z.nullable(z.string())),
      startDateTime: z.optional(z.nullable(z.string())),
      endDateTime: z.optional(z.nullable(z.string())),
    }),
  ),
});
const parameters = ['passwordCredential'];
const writable = ['displayName', 'startDateTime', 'endDateTime'];
/** Part of the type, yet filled by the service alone. */
const readOnly = ['customKeyIdentifier', 'hint', 'keyId', 'secretText'];

export function isGuid(text: string): boolean {
  return guid.test(text);
}

export function toWire({
  displayName,
  endDateTime,
  keyId,
  secretText,
  startDateTime,
}: StoredCredential): WireCredential {
  return {
    customKeyIdentifier: null,
    displayName,
    endDateTime,
    hint: secretText.slice(0, 3),
    keyId,
    secretText: null,
    startDateTime,
  };
}

/** The credential that an `addPassword` body asks for, made at `now`. Throws `GraphError` for a body OData would refuse. */
export function newCredential(body: string, now: number): StoredCredential {
  const wanted = body === '' ? {} : additionOf(parseJson(body));
  const start = readDate(wanted.startDateTime) ?? now;
  const end = readDate(wanted.endDateTime) ?? twoYearsAfter(start);
  if (end <= start || end <= now) throw refused.badValue('endDateTime', 'PasswordCredential');
  return {
    keyId: randomUUID(),
    displayName: wanted.displayName ?? null,
    startDateTime: toDateTime(start),
    endDateTime: toDateTime(end),
    secretText: newSecret(),
    addedAt: now,
  };
}

/** The key id that a `removePassword` body names. Throws `GraphError` for anything else. */
export function keyIdOf(body: string): string {
  const record = asRecord(parseJson(body));
  for (const name of Object.keys(record)) {
    if (name !== 'keyId') throw refused.unknownProperty(name, 'microsoft.graph.removePassword');
  }
  const { keyId } = record;
  if (typeof keyId !== 'string' || !isGuid(keyId)) throw refused.badValue('keyId', 'PasswordCredential');
  return keyId.toLowerCase();
}

type Addition = NonNullable<z.infer<typeof additionSchema>['passwordCredential']>;

function additionOf(body: unknown): Addition {
  const record = asRecord(body);
  const unknown = Object.keys(record).find((name) => !parameters.includes(name));
  if (unknown !== undefined) throw refused.unknownProperty(unknown, 'microsoft.graph.addPassword');
  for (const name of Object.keys(asRecord(record['passwordCredential'] ?? {}))) {
    if (readOnly.includes(name)) throw refused.badValue(name, 'PasswordCredential');
    if (!writable.includes(name)) throw refused.unknownProperty(name, type);
  }
  const parsed = additionSchema.safeParse(body);
  if (!parsed.success) throw refused.json();
  return parsed.data.passwordCredential ?? {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused.json();
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw refused.json();
  return parsed.data;
}

function readDate(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const time = dateTime.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw refused.date(text);
  return time;
}

/** Graph docs: without an end the credential lives for two years. */
function twoYearsAfter(start: number): number {
  const end = new Date(start);
  end.setUTCFullYear(end.getUTCFullYear() + 2);
  return end.getTime();
}

/** .NET ticks: seven digits after the second. */
function toDateTime(time: number): string {
  return new Date(time).toISOString().replace('Z', '0000Z');
}

/** 40 characters with `8Q~` after the first three, as Entra's own look, so that secret scanners know it. */
function newSecret(): string {
  const take = (count: number): string =>
    Array.from({ length: count }, () => letters.charAt(randomInt(letters.length))).join('');
  return `${take(3)}8Q~${take(34)}`;
}
