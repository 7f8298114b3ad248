// Storage accounts without keys: their real addresses, bearer tokens of Entra alone, and Azurite behind.
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TokenOffice } from '../../local/standIns/tokens.ts';
import { pass, type Fate, type StorageService } from './azurite.ts';
import type { Asking } from '../infra/rights.ts';

export interface StorageFrontOptions {
  readonly tokens: TokenOffice;
  /** Of the Azurite behind. */
  readonly connectionString: string;
  /** Judges a caller who has signed in, by his object id and the name of the account. */
  readonly decide: (
    caller: { readonly principalId: string; readonly account: string },
    request: Asking,
    service: StorageService,
  ) => Fate;
}

export interface StorageFront {
  /** For the route `storage` of the preload. */
  readonly url: string;
  /** Requests that did not come with a token for storage. */
  readonly unsigned: readonly string[];
  close(): Promise<void>;
}

const services: Readonly<Record<string, StorageService>> = { blob: 'Blob', queue: 'Queue', table: 'Table' };
const resource = 'https://storage.azure.com';

export async function startStorageFront(options: StorageFrontOptions): Promise<StorageFront> {
  const { tokens, connectionString, decide } = options;
  const part = (name: string): string =>
    new RegExp(`${name}=([^;]+)`).exec(connectionString)?.[1] ?? assert.fail(name);
  const key = sasOf(part('AccountName'), part('AccountKey'));
  const unsigned: string[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '', headers } = request;
    const [account = '', kind = ''] = (headers.host ?? '').split('.');
    const service = services[kind] ?? assert.fail(headers.host);
    const judged = await tokens.judge(headers.authorization, resource, `${resource}/`);
    const passage = {
      url: new URL(`${part(`${service}Endpoint`)}${url}${url.includes('?') ? '&' : '?'}${key}`),
    };
    if (!judged.ok) {
      unsigned.push(`${String(method)} ${account} ${kind}: ${judged.reason}`);
      pass(request, response, { ...passage, fate: { status: 401, code: 'InvalidAuthenticationInfo' } });
      return;
    }
    const caller = { principalId: String(judged.claims['oid']), account };
    const asking = { method, headers, url: `/${part('AccountName')}${url}` };
    const { authorization, host, ...rest } = headers;
    assert.ok(authorization && host);
    pass(request, response, { ...passage, headers: rest, fate: decide(caller, asking, service) });
  };
  const server = createServer((request, response) => {
    take(request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    unsigned,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What opens Azurite, which takes bearer tokens over TLS only. */
function sasOf(account: string, key: string): string {
  const values = {
    permissions: AccountSASPermissions.parse('rwdlacup'),
    resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
    services: AccountSASServices.parse('bqt').toString(),
    expiresOn: new Date(Date.now() + 86_400_000),
  };
  return generateAccountSASQueryParameters(values, new StorageSharedKeyCredential(account, key)).toString();
}
