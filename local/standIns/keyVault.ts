// Stand-in for Key Vault: secrets with versions, paging, soft delete and the challenge that starts each client.
import { Hono, type Context } from 'hono';
import { randomUUID } from 'node:crypto';
import { demo } from '../demo.ts';
import type { Directory } from './directory.ts';
import { bundle, deletedBundle, deletedItem, page, secretItem, versionItem } from './keyVault/answers.ts';
import { checkName, setBody, updateBody } from './keyVault/bodies.ts';
import { callerOf, challenge } from './keyVault/callers.ts';
import { refused, VaultError } from './keyVault/errors.ts';
import { currentOf, purgeDate, Vault, type StoredSecret } from './keyVault/vault.ts';
import type { Now, StandIn, StandInEnv } from './kit.ts';
import type { TokenOffice } from './tokens.ts';

/** Plain data: the secrets of each vault, by host name. */
export type KeyVaultData = Record<string, StoredSecret[]>;

export interface KeyVaultOptions {
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly now: Now;
  /** The vaults that exist, e.g. `telehealth-demo.vault.azure.net`; the demo tenant's by default. */
  readonly vaultHosts?: readonly string[];
  readonly data?: KeyVaultData;
}

interface Call {
  readonly c: Context<StandInEnv>;
  readonly url: URL;
  /** The vault's address, as clients know it. */
  readonly base: string;
  readonly vault: Vault;
  readonly name: string;
  readonly version: string;
}

interface Operation {
  /** The data action that a role must allow. */
  readonly action: string;
  run(call: Call): Promise<Response> | Response;
}

const actions = 'Microsoft.KeyVault/vaults/secrets';
/** A role's actions are not modelled: this one role allows every operation on secrets. */
const role = 'Key Vault Secrets Officer';

/** Vaults are told apart by the Host header; a host that is none of them is refused with 421. */
export function createKeyVault(options: KeyVaultOptions): StandIn {
  const { directory, now, vaultHosts = [new URL(demo.vaultUrl).host], data = {} } = options;
  for (const host of vaultHosts) data[host] ??= [];
  const app = new Hono<StandInEnv>();
  app.use(async (c, next) => {
    c.header('Date', new Date(now()).toUTCString());
    c.header('x-ms-request-id', randomUUID());
    c.header('x-ms-client-request-id', c.req.header('x-ms-client-request-id') ?? randomUUID());
    c.header('x-ms-keyvault-region', 'westeurope');
    c.header('Cache-Control', 'no-cache');
    await next();
  });
  app.all('*', (c) => answer(c, options, data));
  app.onError((error, c) => {
    if (!(error instanceof VaultError)) throw error;
    if (error.status === 401) c.header('WWW-Authenticate', challenge(directory.tenantId));
    const { code, message, inner } = error;
    const innererror = inner === undefined ? {} : { innererror: { code: inner } };
    return c.json({ error: { code, message, ...innererror } }, error.status);
  });
  return { service: 'keyVault', app, state: () => shown(data) };
}

async function answer(
  c: Context<StandInEnv>,
  { directory, tokens, now }: KeyVaultOptions,
  data: KeyVaultData,
): Promise<Response> {
  const url = new URL(c.req.url);
  const host = (c.req.header('host') ?? '').toLowerCase().replace(/:443$/, '');
  const secrets = Object.hasOwn(data, host) ? data[host] : undefined;
  if (!secrets) throw refused.host(host);
  const caller = await callerOf(c.req.header('authorization'), tokens, directory);
  checkApiVersion(url.searchParams.get('api-version'));
  const { operation, name, version } = operationOf(c.req.method, url);
  if (!directory.has(caller.oid, role)) {
    const resource = name === '' ? '' : `/secrets/${name}`;
    throw refused.role({ ...caller, action: operation.action, vault: host.split('.')[0] ?? '', resource });
  }
  return operation.run({ c, url, base: `https://${host}`, vault: new Vault(secrets, now), name, version });
}

function checkApiVersion(version: string | null): void {
  if (version === null || version === '') throw refused.parameter('api-version must be specified');
  if (/^(7\.[0-6]|20\d\d-\d\d-\d\d(-preview)?)$/.test(version)) return;
  throw refused.parameter(
    `The specified version (${version}) is not recognized. Consider using the latest supported version (2026-04-01).`,
  );
}

function operationOf(method: string, url: URL): { operation: Operation; name: string; version: string } {
  // The SDK asks for the current version with a trailing slash (measured).
  const [collection = '', name = '', ...rest] = url.pathname.split('/').filter(Boolean);
  const shape = [collection, ...(name === '' ? [] : ['{name}']), ...rest.map(shapeOf)].join('/');
  const operation = operations.get(`${method} ${shape}`);
  if (operation) {
    if (name !== '') checkName(name);
    return { operation, name, version: rest[0] ?? '' };
  }
  const known = [...operations.keys()].some((key) => key.endsWith(` ${shape}`));
  throw known ? refused.method(method) : refused.parameter(`The request URI is invalid: ${url.pathname}`);
}

function shapeOf(segment: string): string {
  return segment === 'versions' || segment === 'recover' ? segment : '{version}';
}

const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    'GET secrets': {
      action: `${actions}/readMetadata/action`,
      run: ({ c, url, base, vault }) =>
        c.json(page(url, base, vault.list(false), nameOf, (secret) => secretItem(base, secret))),
    },
    'GET secrets/{name}': {
      action: `${actions}/getSecret/action`,
      run: ({ c, base, vault, name }) => {
        const secret = vault.get(name);
        return c.json(readable(base, secret.name, currentOf(secret)));
      },
    },
    'GET secrets/{name}/{version}': {
      action: `${actions}/getSecret/action`,
      run: ({ c, base, vault, name, version }) => c.json(readable(base, name, vault.version(name, version))),
    },
    'PUT secrets/{name}': {
      action: `${actions}/setSecret/action`,
      run: async ({ c, base, vault, name }) => {
        const secret = vault.set(name, setBody(await c.req.text()));
        return c.json(bundle(base, secret.name, currentOf(secret)));
      },
    },
    'PATCH secrets/{name}/{version}': {
      action: `${actions}/update/action`,
      run: async ({ c, base, vault, name, version }) =>
        c.json(versionItem(base, name, vault.update(name, version, updateBody(await c.req.text())))),
    },
    'GET secrets/{name}/versions': {
      action: `${actions}/readMetadata/action`,
      run: ({ c, url, base, vault, name }) => {
        const { versions } = vault.get(name);
        return c.json(
          page(
            url,
            base,
            versions,
            ({ version }) => version,
            (one) => versionItem(base, name, one),
          ),
        );
      },
    },
    'DELETE secrets/{name}': {
      action: `${actions}/delete`,
      run: ({ c, base, vault, name }) => c.json(deletedBundle(base, vault.delete(name))),
    },
    'GET deletedsecrets': {
      action: `${actions}/readMetadata/action`,
      run: ({ c, url, base, vault }) =>
        c.json(page(url, base, vault.list(true), nameOf, (secret) => deletedItem(base, secret))),
    },
    'GET deletedsecrets/{name}': {
      action: `${actions}/readMetadata/action`,
      run: ({ c, base, vault, name }) => c.json(deletedBundle(base, vault.deleted(name))),
    },
    'POST deletedsecrets/{name}/recover': {
      action: `${actions}/recover/action`,
      run: ({ c, base, vault, name }) => {
        const secret = vault.recover(name);
        return c.json(versionItem(base, secret.name, currentOf(secret)));
      },
    },
    'DELETE deletedsecrets/{name}': {
      action: `${actions}/purge/action`,
      run: ({ c, vault, name }) => {
        vault.purge(name);
        return c.body(null, 204);
      },
    },
  } satisfies Record<string, Operation>),
);

function nameOf({ name }: StoredSecret): string {
  return name;
}

function readable(base: string, name: string, version: Parameters<typeof bundle>[2]): object {
  if (!version.enabled) throw refused.disabled();
  return bundle(base, name, version);
}

function shown(data: KeyVaultData): object {
  return Object.fromEntries(
    Object.entries(data).map(([host, secrets]) => [
      host,
      secrets.map((secret) => ({
        ...{ name: secret.name, deletedDate: secret.deletedDate, scheduledPurgeDate: purgeDate(secret) },
        versions: secret.versions.map(({ version, enabled, created, exp, contentType, tags }) => ({
          ...{ id: version, enabled, created, exp, contentType, tags },
        })),
      })),
    ]),
  );
}
