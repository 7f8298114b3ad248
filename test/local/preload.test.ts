// The preload, in a child process as in a real run: real clients reach the stand-ins, and nothing else can be reached.
import { build } from 'esbuild';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { demo } from '../../local/demo.ts';
import { createCommunication } from '../../local/standIns/communication.ts';
import { createEntra } from '../../local/standIns/entra.ts';
import { createGraph } from '../../local/standIns/graph.ts';
import { createKeyVault } from '../../local/standIns/keyVault.ts';
import { createManagedIdentity } from '../../local/standIns/managedIdentity.ts';
import { startStandIns } from '../support/standIns.ts';

const { identityHeader, managedIdentity, serviceClient } = demo;
const preload = fileURLToPath(new URL('../../local/preload.cjs', import.meta.url));
const source = fileURLToPath(new URL('../support/azureCalls.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'preload-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const cloud = await startStandIns((tenant) => {
  const { directory, now } = tenant;
  const { principalId } = managedIdentity;
  directory.grant(principalId, 'Application.ReadWrite.OwnedBy', 'Key Vault Secrets Officer');
  directory.grant(principalId, 'Communication and Email Service Owner');
  const { appId, displayName } = serviceClient;
  const application = directory.addApplication(displayName, { appId });
  directory.addServicePrincipal(displayName, 'Application', { appId });
  const [startDateTime, endDateTime] = [now() - 1, now() + 3_600_000].map((at) => new Date(at).toISOString());
  application.passwordCredentials.push({
    ...{ keyId: 'k', displayName: null, secretText: 'a-secret', addedAt: now() },
    ...{ startDateTime: startDateTime ?? '', endDateTime: endDateTime ?? '' },
  });
  return [
    createManagedIdentity({ ...tenant, identityHeader, identities: [managedIdentity] }),
    createEntra(tenant),
    createGraph(tenant),
    createKeyVault(tenant),
    createCommunication({
      ...tenant,
      resourceId: demo.communicationResourceId,
      endpointHost: new URL(demo.communicationEndpoint).host,
      accessKey: 'bm90IHVzZWQ=',
    }),
  ];
});

/** What the program prints; `proxies` are set to a port where nothing listens. */
async function run(program: string, mode: 'azure' | 'others', environment: Record<string, string>) {
  const nowhere = 'http://127.0.0.1:9';
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', HTTPS_PROXY: nowhere, HTTP_PROXY: nowhere, all_proxy: nowhere },
    ...{
      IDENTITY_ENDPOINT: `${cloud.urls.managedIdentity ?? ''}/msi/token`,
      IDENTITY_HEADER: identityHeader,
    },
    ...environment,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['--require', preload, program, mode], {
    env,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function bundled(): Promise<string> {
  const outfile = join(folder, 'bundle.cjs');
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    minify: true,
  });
  return outfile;
}

function writeRun(name: string, content: unknown): { LOCAL_DIR: string } {
  const directory = join(folder, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'run.json'), JSON.stringify(content));
  return { LOCAL_DIR: directory };
}

const expected = { secret: 'hello', application: serviceClient.displayName, entra: 3 };

test('the real clients reach the stand-ins by the run file, from source, past any proxy setting', async () => {
  const { identity, ...rest } = await run(
    source,
    'azure',
    writeRun('running', { pid: process.pid, azure: cloud.urls }),
  );
  assert.deepEqual(rest, expected);
  assert.match(String(identity), new RegExp(`^8:acs:${demo.communicationResourceId}_`));
});

test('the same holds for an esbuild bundle, with the routes in the environment', async () => {
  const { identity, ...rest } = await run(await bundled(), 'azure', {
    LOCAL_ROUTES: JSON.stringify(cloud.urls),
  });
  assert.deepEqual(rest, expected);
  assert.match(String(identity), /^8:acs:/);
});

test('every other host is refused at once and by name, whatever opens the connection', async () => {
  const answers = await run(source, 'others', { LOCAL_ROUTES: JSON.stringify(cloud.urls) });
  assert.equal(Object.keys(answers).length, 10);
  for (const [way, answer] of Object.entries(answers)) {
    assert.match(
      String(answer),
      /^A local run reaches no other host than its stand-ins: \S*(example\.com|192\.0\.2\.1|azure\.com|microsoft\.com) was refused\.$/,
      way,
    );
  }
});

test('when nothing runs, or what ran was killed, the message says what to start', async () => {
  const gone = await promisify(execFile)(process.execPath, ['-p', 'process.pid']);
  const cases = [
    { LOCAL_DIR: join(folder, 'absent') },
    writeRun('stale', { pid: Number(gone.stdout), azure: cloud.urls }),
  ];
  for (const environment of cases) {
    const { error } = await run(source, 'azure', environment);
    assert.match(String(error), /The local stand-ins are not running: start them with `npm run azure`\./);
  }
});

test('a service that this run does not have is named', async () => {
  const { keyVault, ...others } = cloud.urls;
  assert.ok(keyVault);
  const { error } = await run(source, 'azure', { LOCAL_ROUTES: JSON.stringify(others) });
  assert.match(String(error), /There is no stand-in for keyVault in this local run\./);
});
