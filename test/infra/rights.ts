// What the roles of the deployment let pass: a storage that refuses every request for which its caller has no right.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { Fate, StorageService } from '../support/azurite.ts';
import { assignments, roles } from './tables.ts';

/** One way to be let in: all of these rights. */
type Way = readonly string[];

const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers';
const queues = 'Microsoft.Storage/storageAccounts/queueServices/queues';
const tables = 'Microsoft.Storage/storageAccounts/tableServices/tables';

/**
 * The rights of one identity in one account by container, table and queue, as the table of roles gives them; `used` are
 * those that requests needed. `names` are the values of settings whose names stand in the table.
 */
export class StorageRights {
  readonly used = new Set<string>();
  readonly granted = new Set<string>();
  /** What was refused, but for blobs that may not be replaced. */
  readonly refused = new Set<string>();
  readonly #there = new Set<string>();

  constructor(principal: string, account: string, names: Readonly<Record<string, string>> = {}) {
    for (const { role, kind, name } of assignments.filter(
      (row) => row.principal === principal && row.of === account,
    )) {
      const { actions, dataActions } = roles.get(role) ?? assert.fail(role);
      for (const right of [...actions, ...dataActions])
        this.granted.add(`${kind} ${names[name] ?? name}: ${right}`);
    }
  }

  /** Undefined lets the request pass. */
  readonly decide = (request: Asking, service: StorageService): Fate => {
    const url = new URL(request.url ?? '', 'http://storage');
    const [, , place = '', ...rest] = decodeURIComponent(url.pathname).split('/');
    const asked: Asked = { request, url, rest: rest.join('/'), isNew: !this.#there.has(url.pathname) };
    const name = place.replace(/\(.*$/, '');
    const at = `${kinds[service]} ${name}: `;
    const ways = waysOf[service](asked, place);
    const way = ways.find((rights) => rights.every((right) => this.granted.has(`${at}${right}`)));
    if (way) {
      for (const right of way) this.used.add(`${at}${right}`);
      if (service === 'Blob' && request.method === 'PUT' && asked.rest !== '') this.#there.add(url.pathname);
      return undefined;
    }
    const mayAdd = this.granted.has(`${at}${blobs}/blobs/add/action`);
    if (mayAdd && service === 'Blob' && request.method === 'PUT' && !url.searchParams.has('comp'))
      return { status: 403, code: 'UnauthorizedBlobOverwrite' };
    this.refused.add(`${at}${String(request.method)}`);
    return { status: 403, code: 'AuthorizationPermissionMismatch' };
  };
}

/** What of a request counts; its path begins with the account, as the emulator's do. */
export type Asking = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

const kinds = { Blob: 'container', Queue: 'queue', Table: 'table' } as const;

interface Asked {
  readonly request: Asking;
  readonly url: URL;
  /** The path below the container or queue; empty for itself. */
  readonly rest: string;
  /** No blob was written there through this door yet. */
  readonly isNew: boolean;
}

/** Azure docs, "Permissions for calling data operations": which rights each request needs. */
const waysOf: Readonly<Record<StorageService, (asked: Asked, place: string) => readonly Way[]>> = {
  Blob: ({ request: { method = '' }, url, rest, isNew }) => {
    const comp = url.searchParams.get('comp');
    if (rest === '') {
      if (method === 'GET' && comp === 'list') return [[`${blobs}/blobs/read`]];
      return [[`${blobs}/${method === 'PUT' ? 'write' : method === 'DELETE' ? 'delete' : 'read'}`]];
    }
    if (method === 'GET' || method === 'HEAD') return [[`${blobs}/blobs/read`]];
    if (method === 'DELETE') return [[`${blobs}/blobs/delete`]];
    const adds = comp === null && isNew ? [[`${blobs}/blobs/add/action`]] : [];
    return [...adds, [`${blobs}/blobs/write`]];
  },
  Queue: ({ request: { method = '' }, url, rest }) => {
    if (rest === '')
      return [[`${queues}/${method === 'PUT' ? 'write' : method === 'DELETE' ? 'delete' : 'read'}`]];
    if (method === 'POST') return [[`${queues}/messages/add/action`], [`${queues}/messages/write`]];
    if (method === 'PUT') return [[`${queues}/messages/write`]];
    if (method === 'DELETE') return [[`${queues}/messages/process/action`], [`${queues}/messages/delete`]];
    const peeks = url.searchParams.get('peekonly') === 'true';
    return [[`${queues}/messages/${peeks ? 'read' : 'process/action'}`]];
  },
  Table: ({ request: { method = '', headers } }, place) => {
    if (/^Tables\b|^\$batch/.test(place)) return [[`${tables}/${method === 'GET' ? 'read' : 'write'}`]];
    if (method === 'GET') return [[`${tables}/entities/read`]];
    if (method === 'DELETE') return [[`${tables}/entities/delete`]];
    const [add, update] = [`${tables}/entities/add/action`, `${tables}/entities/update/action`];
    if (method === 'POST') return [[`${tables}/entities/write`], [add]];
    // Without a condition it is an upsert.
    return [[`${tables}/entities/write`], headers['if-match'] === undefined ? [add, update] : [update]];
  },
};

/** The rights in a vault that requests needed, in the order of their names. Azure docs: the vault's data actions. */
export function vaultRights(
  requests: readonly { readonly method: string; readonly path: string }[],
): readonly string[] {
  const rights = requests.map(({ method, path }) => {
    const asked = `${method} ${path.replace(/\?.*$/, '').replace(/\/$/, '')}`;
    const [, right] = vaultRequests.find(([form]) => form.test(asked)) ?? assert.fail(asked);
    return `Microsoft.KeyVault/vaults/secrets/${right}/action`;
  });
  return [...new Set(rights)].sort();
}

const vaultRequests: readonly (readonly [RegExp, string])[] = [
  // Azure docs name only the permission of access policies for it, `get`; what it answers has no value.
  [/^GET \/deletedsecrets\/[^/]+$/, 'readMetadata'],
  [/^GET \/secrets\/[^/]+\/versions$/, 'readMetadata'],
  [/^GET \/secrets\/[^/]+(\/[0-9a-f]{32})?$/, 'getSecret'],
  [/^PUT \/secrets\/[^/]+$/, 'setSecret'],
  [/^PATCH \/secrets\/[^/]+\/[0-9a-f]{32}$/, 'update'],
];
