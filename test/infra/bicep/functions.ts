// The functions of Bicep that the templates call, as Azure's reference has them.
import { createHash } from 'node:crypto';
import {
  call,
  isRecord,
  lengthOf,
  list,
  number,
  record,
  same,
  shown,
  text,
  truth,
  type Function,
} from './values.ts';

/** Where a template is deployed to. */
export interface Group {
  readonly subscriptionId: string;
  readonly name: string;
}

/** Tenant of every deployment of the tests. */
export const tenantId = '7e1e4ea1-7000-4000-8000-000000000001';

export function functionsFor(
  group: Group,
  loadJson: (path: string) => unknown,
): ReadonlyMap<string, Function> {
  return new Map(
    Object.entries({ ...pure, ...placed(group), loadJsonContent: (path) => loadJson(text(path)) }),
  );
}

function idOf({ subscriptionId, name }: Group): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${name}`;
}

/** `Microsoft.A/b/c` with two names is `Microsoft.A/b/<first>/c/<second>`. */
export function resourcePath(type: string, names: readonly string[]): string {
  const [provider = '', ...types] = type.split('/');
  if (types.length !== names.length) throw new Error(`${type} has as many names, not ${names.join()}`);
  return [provider, ...types.flatMap((one, index) => [one, names[index] ?? ''])].join('/');
}

export function resourceId(group: Group, type: string, names: readonly string[]): string {
  return `${idOf(group)}/providers/${resourcePath(type, names)}`;
}

function placed(group: Group): Readonly<Record<string, Function>> {
  return {
    resourceGroup: (subscriptionId, name) => {
      const other = name === undefined ? group : { subscriptionId: text(subscriptionId), name: text(name) };
      return { ...other, id: idOf(other) };
    },
    resourceId: (type, ...names) => resourceId(group, text(type), names.map(text)),
    subscriptionResourceId: (type, ...names) =>
      `/subscriptions/${group.subscriptionId}/providers/${resourcePath(text(type), names.map(text))}`,
  };
}

function digest(given: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(given)).digest('hex');
}

function joined(given: readonly unknown[]): unknown {
  if (given.every(Array.isArray)) {
    const all = given.flatMap((one) => list(one));
    return all.filter((item, index) => all.findIndex((other) => same(item, other)) === index);
  }
  return Object.assign({}, ...given.map(record));
}

function contains(all: unknown, one: unknown): boolean {
  if (typeof all === 'string') return all.includes(text(one));
  return Array.isArray(all) ? all.some((item) => same(item, one)) : text(one) in record(all);
}

const sorted = (value: unknown): readonly string[] => Object.keys(record(value)).sort();

const pure: Readonly<Record<string, Function>> = {
  cidrSubnet: (network, size, index) => `${text(network)} ${number(size)}#${number(index)}`,
  concat: (...all) => all.flatMap((one) => list(one)),
  contains,
  empty: (value) => value === null || lengthOf(value) === 0,
  environment: () => ({
    authentication: { loginEndpoint: 'https://login.microsoftonline.com/' },
    suffixes: { keyvaultDns: '.vault.azure.net', storage: 'core.windows.net' },
  }),
  fail: (words) => {
    throw new Error(text(words));
  },
  filter: (all, test) => list(all).filter((item) => truth(call(test, item))),
  first: (all) => list(all)[0],
  flatten: (all) => list(all).flatMap((one) => list(one)),
  guid: (...given) => digest(given).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
  int: (value) => (/^\d+$/.test(text(value)) ? Number(value) : pure['fail']?.(`no number: ${text(value)}`)),
  items: (value) => sorted(value).map((key) => ({ key, value: record(value)[key] })),
  join: (all, between) => list(all).map(shown).join(text(between)),
  last: (all) => list(all).at(-1),
  length: lengthOf,
  map: (all, change) => list(all).map((item) => call(change, item)),
  objectKeys: sorted,
  range: (first, count) => Array.from({ length: number(count) }, (_, index) => number(first) + index),
  replace: (value, from, to) => text(value).replaceAll(text(from), () => text(to)),
  split: (value, at) => text(value).split(text(at)),
  string: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  take: (value, count) => (typeof value === 'string' ? value : list(value)).slice(0, number(count)),
  tenant: () => ({ tenantId }),
  toLower: (value) => text(value).toLowerCase(),
  toObject: (all, key, value) =>
    Object.fromEntries(
      list(all).map((item) => [text(call(key, item)), value === undefined ? item : call(value, item)]),
    ),
  trim: (value) => text(value).trim(),
  union: (...given) => {
    if (given.some((one) => !Array.isArray(one) && !isRecord(one)))
      throw new Error('union of what is neither');
    return joined(given);
  },
  // Thirteen letters and digits, of which the first is a letter where it matters.
  uniqueString: (...given) => `u${digest(given).slice(0, 12)}`,
};
