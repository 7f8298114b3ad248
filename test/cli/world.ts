// A tenant in which service clients are registered: its APIs and people, a function app, and the command without its process.
import type { TokenCredential } from '@azure/core-auth';
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { readRegisterOptions, type RegisterOptions } from '../../cli/register/options.ts';
import { register, type Surroundings } from '../../cli/register/register.ts';
import { createReporter } from '../../cli/register/report.ts';
import { demo } from '../../local/demo.ts';
import { delegatedClaims, type Principal } from '../../local/standIns/claims.ts';
import { addPeople } from '../../local/standIns/demoTenant.ts';
import type { Application, Person } from '../../local/standIns/directory.ts';
import { addMicrosoftApis } from '../../local/standIns/microsoftApis.ts';
import { createLog } from '../../src/platform/log.ts';
import { clock, cloud } from '../rotation/tenant.ts';

addMicrosoftApis(cloud.directory);
addPeople(cloud.directory);

export { clock, cloud };

export function person(oid: string): Person {
  const found = cloud.directory.people.get(oid);
  assert.ok(found);
  return found;
}
export const administrator = person(demo.administrator.oid);
export const developer = person(demo.developer.oid);

/** What the Azure CLI would hand out for whoever is signed in to it. */
export function signedIn(who: Person): TokenCredential {
  return {
    async getToken(scopes) {
      const resource = [scopes].flat()[0]?.replace(/\/\.default$/, '') ?? '';
      const token = await cloud.tokens.sign({ claims: delegatedClaims(cloud.directory, who, resource) });
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
}

/** The managed identity of a function app that may do nothing yet but use the vault. */
export function newFunctionApp(): Principal & { readonly name: string } {
  const name = `func-${randomUUID().slice(0, 8)}`;
  const { id, appId } = cloud.directory.addServicePrincipal(name, 'ManagedIdentity');
  cloud.directory.grant(id, 'Key Vault Secrets Officer');
  return { name, principalId: id, clientId: appId };
}

const documentShape = z.looseObject({
  dryRun: z.optional(z.boolean()),
  changed: z.optional(z.boolean()),
  recorded: z.optional(z.boolean()),
  settings: z.optional(z.record(z.string(), z.string())),
  steps: z.array(z.object({ step: z.string(), state: z.string(), text: z.string() })),
  error: z.optional(z.object({ code: z.string(), message: z.string() })),
});

export interface Outcome {
  readonly code: number;
  /** Everything that was written, to either stream and to the log. */
  readonly text: string;
  readonly document: z.infer<typeof documentShape>;
  /** `step: state` in order. */
  readonly states: readonly string[];
}

/** A registration of its own, so that tests never meet. */
export class Trial {
  readonly name = `client ${randomUUID().slice(0, 8)}`;
  readonly secretName = `secret-${randomUUID().slice(0, 8)}`;
  readonly functionApp = newFunctionApp();

  options(...more: string[]): RegisterOptions {
    const named = more.includes('--app-id') ? [] : ['--name', this.name];
    const where = ['--vault-url', demo.vaultUrl, '--secret-name', this.secretName];
    const who = ['--function-identity', this.functionApp.principalId];
    const options = readRegisterOptions([...named, ...where, ...who, '--yes', '--json', ...more], {});
    assert.notEqual(options, 'help');
    return options as RegisterOptions;
  }

  async run(
    more: readonly string[] = [],
    who = administrator,
    around: Partial<Surroundings> = {},
  ): Promise<Outcome> {
    let [out, err] = ['', ''];
    const streams = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
    const options = { ...this.options(...more), yes: around.confirm === undefined };
    const tell = (line: string) => (err += line);
    const code = await register(options, {
      ...{ clock, uuid: randomUUID, credential: signedIn(who), interrupted: new AbortController().signal },
      reporter: createReporter(streams, true, { colors: false, live: true, columns: 80 }),
      log: createLog({ info: tell, warn: tell, error: tell }),
      confirm: () => assert.fail('nobody was to be asked'),
      ...around,
    });
    const document = documentShape.parse(JSON.parse(out));
    return {
      code,
      text: out + err,
      document,
      states: document.steps.map(({ step, state }) => `${step}: ${state}`),
    };
  }

  applications(): Application[] {
    return [...cloud.directory.applications.values()].filter(({ displayName }) => displayName === this.name);
  }

  application(): Application {
    const [only, ...more] = this.applications();
    assert.ok(
      only && more.length === 0,
      `expected one application, found ${String(more.length + (only ? 1 : 0))}`,
    );
    return only;
  }

  versions(): { readonly tags: Record<string, string> }[] {
    const state = JSON.parse(cloud.state('keyVault')) as Record<
      string,
      { name: string; versions: { tags: Record<string, string> }[] }[]
    >;
    return (
      Object.values(state)
        .flat()
        .find(({ name }) => name === this.secretName)?.versions ?? []
    );
  }

  /** Exactly one application, one principal and one credential, which the vault's only version carries. */
  requireComplete(): void {
    const { appId, passwordCredentials, owners, requiredResourceAccess } = this.application();
    const principals = [...cloud.directory.servicePrincipals.values()].filter((one) => one.appId === appId);
    const [principal] = principals;
    assert.equal(principals.length, 1);
    assert.ok(owners.has(this.functionApp.principalId));
    assert.ok(cloud.directory.has(this.functionApp.principalId, 'Application.ReadWrite.OwnedBy'));
    assert.equal(requiredResourceAccess?.flatMap(({ resourceAccess }) => resourceAccess).length, 1);
    assert.equal(
      cloud.directory.permissionGrants.filter(({ clientId }) => clientId === principal?.id).length,
      1,
    );
    const published = this.versions().map(({ tags }) => tags['CredentialId']);
    assert.deepEqual(
      passwordCredentials.map(({ keyId }) => keyId),
      published,
    );
    assert.equal(published.length, 1);
  }
}

/** `METHOD path` of everything asked during `work` that could change something. */
export async function writesDuring(work: () => Promise<unknown>): Promise<string[]> {
  const since = cloud.log.list().length;
  await work();
  return cloud.log
    .list()
    .slice(since)
    .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/token'))
    .map(({ method, path }) => `${method} ${path}`);
}

export interface Mortal {
  readonly httpClient: HttpClient;
  /** `METHOD path` of every call so far. */
  readonly calls: readonly string[];
}

/** A transport that carries `lives` calls and then none: the last one with its effect where `after`, or without. */
export function mortal(lives: number, after: boolean): Mortal {
  const inner = createDefaultHttpClient();
  const calls: string[] = [];
  const httpClient: HttpClient = {
    async sendRequest(request) {
      calls.push(`${request.method} ${new URL(request.url).pathname}`);
      if (calls.length === lives && after) await inner.sendRequest(request);
      if (calls.length >= lives) throw new Error('the process is dead');
      return inner.sendRequest(request);
    },
  };
  return { httpClient, calls };
}
