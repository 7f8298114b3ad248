// The shapes in which Key Vault shows secrets, versions and pages of them.
import { maxResults } from './bodies.ts';
import { refused } from './errors.ts';
import {
  compare,
  currentOf,
  purgeDate,
  recoverableDays,
  type StoredSecret,
  type StoredVersion,
} from './vault.ts';

/** `base` is the vault's own address, for ids and links that clients follow as they are. */
export function versionItem(base: string, name: string, version: StoredVersion): object {
  return properties(`${base}/secrets/${name}/${version.version}`, version);
}

export function bundle(base: string, name: string, version: StoredVersion): object {
  return { value: version.value, ...versionItem(base, name, version) };
}

export function secretItem(base: string, secret: StoredSecret): object {
  return properties(`${base}/secrets/${secret.name}`, currentOf(secret));
}

export function deletedItem(base: string, secret: StoredSecret): object {
  return { ...secretItem(base, secret), ...deletion(base, secret) };
}

/** As an item, but named with its version. */
export function deletedBundle(base: string, secret: StoredSecret): object {
  return { ...versionItem(base, secret.name, currentOf(secret)), ...deletion(base, secret) };
}

/**
 * A page of `items` in the order of their keys, `maxresults` long. The token of the next page names the last key seen,
 * so that what comes and goes in between neither repeats nor hides anything else.
 */
export function page<T>(
  url: URL,
  base: string,
  items: readonly T[],
  keyOf: (item: T) => string,
  show: (item: T) => object,
): object {
  const count = maxResults(url.searchParams.get('maxresults'));
  const after = decodeToken(url.searchParams.get('$skiptoken'));
  const rest = items.filter((item) => keyOf(item) > after).sort((a, b) => compare(keyOf(a), keyOf(b)));
  const shown = rest.slice(0, count);
  const last = shown.at(-1);
  if (last === undefined || rest.length <= count) return { value: shown.map(show), nextLink: null };
  const next = new URL(url.pathname + url.search, base);
  next.searchParams.set('$skiptoken', Buffer.from(`after:${keyOf(last)}`).toString('base64url'));
  return { value: shown.map(show), nextLink: next.href };
}

function properties(id: string, version: StoredVersion): object {
  const { contentType, enabled, nbf, exp, created, updated, tags } = version;
  const attributes = {
    enabled,
    nbf,
    exp,
    created,
    updated,
    recoveryLevel: 'Recoverable+Purgeable',
    recoverableDays,
  };
  return { id, contentType, attributes, tags };
}

function deletion(base: string, secret: StoredSecret): object {
  return {
    recoveryId: `${base}/deletedsecrets/${secret.name}`,
    deletedDate: secret.deletedDate,
    scheduledPurgeDate: purgeDate(secret),
  };
}

function decodeToken(token: string | null): string {
  if (token === null) return '';
  const key = /^after:(.+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (key === undefined) throw refused.parameter('The value of $skiptoken is invalid.');
  return key;
}
