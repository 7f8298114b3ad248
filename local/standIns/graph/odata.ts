// The OData side of Graph: which entity a path names, what `$select` leaves of it, and the shape of answers.
import type { Context } from 'hono';
import type { StandInEnv } from '../kit.ts';
import { refused } from './errors.ts';
import { isGuid } from './passwords.ts';

type Call = Context<StandInEnv>;

export interface Target {
  readonly collection: 'applications' | 'servicePrincipals';
  /** By client id, as in `applications(appId='…')`, or by object id, as in `applications/…`. */
  readonly key: { readonly name: 'appId' | 'id'; readonly value: string };
  /** What follows the entity: a navigation or an action. */
  readonly part: string | undefined;
}

const root = 'https://graph.microsoft.com/v1.0';
const types = {
  applications: 'microsoft.graph.application',
  servicePrincipals: 'microsoft.graph.servicePrincipal',
};
const targetPattern =
  /^\/v1\.0\/(?<collection>applications|servicePrincipals)(?:\(appId='(?<appId>[^']*)'\)|\/(?<value>[^/]+))(?:\/(?<part>[^/]+))?\/?$/;

/** Reads the path, percent-encoded or not. Throws `GraphError` for one that Graph has not, or that this stand-in leaves out. */
export function parseTarget(c: Call): Target {
  const path = decodedPath(c);
  const groups = targetPattern.exec(path)?.groups;
  const { collection, appId, value = appId, part } = groups ?? {};
  if ((collection !== 'applications' && collection !== 'servicePrincipals') || value === undefined) {
    throw refused.segment(path.replace(/^\/v1\.0\//, ''));
  }
  const name = appId === undefined ? 'id' : 'appId';
  if (!isGuid(value)) throw refused.badValue(name, types[collection]);
  return { collection, key: { name, value: value.toLowerCase() }, part };
}

/** Throws `GraphError` (404) when there is none. */
export function find<T extends { readonly id: string; readonly appId: string }>(
  entities: ReadonlyMap<string, T>,
  { key }: Target,
): T {
  const found = [...entities.values()].find((one) => one[key.name].toLowerCase() === key.value);
  if (!found) throw refused.absent(key.value);
  return found;
}

/** Answers an entity, less what `$select` leaves out. */
export function entity(
  c: Call,
  { collection }: Target,
  properties: Readonly<Record<string, unknown>>,
): Response {
  const names = selected(c, Object.keys(properties), types[collection]);
  const suffix = names ? `(${names.join(',')})` : '';
  return odata(c, {
    '@odata.context': `${root}/$metadata#${collection}${suffix}/$entity`,
    ...pick(properties, names),
  });
}

/** Answers a collection, each less what `$select` leaves out. */
export function collection(
  c: Call,
  name: string,
  type: string,
  known: readonly string[],
  values: readonly object[],
): Response {
  const names = selected(c, known, type);
  return odata(c, {
    '@odata.context': `${root}/$metadata#${name}${names ? `(${names.join(',')})` : ''}`,
    value: values.map((value) => pick(value, names)),
  });
}

export function odata(c: Call, body: object, status: 200 | 201 = 200): Response {
  return c.body(JSON.stringify(body), status, {
    'content-type':
      'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8',
    'odata-version': '4.0',
  });
}

function decodedPath(c: Call): string {
  const { pathname } = new URL(c.req.url);
  try {
    return decodeURIComponent(pathname);
  } catch {
    throw refused.segment(pathname);
  }
}

function selected(c: Call, known: readonly string[], type: string): readonly string[] | undefined {
  const wanted = new URL(c.req.url).searchParams.get('$select');
  if (wanted === null) return undefined;
  const names = wanted.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw refused.select(unknown, type);
  return names;
}

function pick(value: object, names: readonly string[] | undefined): object {
  if (!names) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name]) => name.startsWith('@') || names.includes(name)),
  );
}
