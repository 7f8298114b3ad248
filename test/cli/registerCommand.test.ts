// The command itself as a process: what it prints and where, how it ends, who is signed in, and that no token shows even in a verbose log.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { writeRunFile } from '../../local/runFile.ts';
import { createAdmin } from '../../local/standIns/admin.ts';
import { listen } from '../../local/standIns/kit.ts';
import { settingsFor } from '../rotation/tenant.ts';
import { administrator, cloud, signedIn, Trial } from './world.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'register-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `az` on the PATH, signed in as the administrator: it answers what `az account get-access-token` would. */
async function installCli(): Promise<string> {
  const tokens: Record<string, string> = {};
  for (const resource of ['https://graph.microsoft.com', 'https://vault.azure.net'])
    tokens[resource] = (await signedIn(administrator).getToken(`${resource}/.default`))?.token ?? '';
  const script = `#!${process.execPath}
const resource = process.argv[process.argv.indexOf('--resource') + 1];
const accessToken = ${JSON.stringify(tokens)}[resource];
process.stdout.write(JSON.stringify({ accessToken, expires_on: Math.floor(Date.now() / 1000) + 3000, tenant: '${demo.tenantId}', tokenType: 'Bearer' }));
`;
  const path = join(folder, 'az');
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return folder;
}

function start(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  onError?: (text: string) => void,
): Promise<Ended> {
  const preload = ['--require', join(root, 'local/preload.cjs')];
  const child = spawn(process.execPath, [...preload, join(root, 'cli/registerServiceClient.ts'), ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    onError?.(err);
  });
  return new Promise((resolve) =>
    child.once('close', (code) => {
      resolve({ code, out, err });
    }),
  );
}

function argumentsFor({ name, secretName, functionApp }: Trial): string[] {
  const where = ['--vault-url', demo.vaultUrl, '--secret-name', secretName];
  return ['--name', name, ...where, '--function-identity', functionApp.name];
}

test('--help is printed and is no failure; a wrong option is named on the error stream', async () => {
  const [helped, wrong, unasked] = await Promise.all([
    start(['--help'], {}),
    start(['--validity-days', 'x'], {}),
    start(argumentsFor(new Trial()), {}),
  ]);
  assert.deepEqual([helped.code, helped.err], [0, '']);
  assert.match(helped.out, /Examples:/);
  assert.deepEqual([wrong.code, wrong.out], [2, '']);
  assert.match(wrong.err, /--validity-days: expected/);
  assert.deepEqual([unasked.code, unasked.out], [2, '']);
  assert.match(unasked.err, /^--yes: needed/);
});

test('whoever is signed in to the Azure CLI sees plain lines and the settings, without a colour or a token', async () => {
  const PATH = [await installCli(), process.env['PATH']].join(delimiter);
  const trial = new Trial();
  // A vault's challenge names the tenant by its id: that must not count as another one.
  const tenant = ['--tenant', 'contoso.example'];
  const { code, out, err } = await start([...argumentsFor(trial), ...tenant, '--dry-run'], {
    PATH,
    AZURE_LOG_LEVEL: 'verbose',
  });
  assert.equal(code, 0, err);
  assert.match(out, /^would do {7}create the application/);
  assert.match(out, new RegExp(`SERVICE_CLIENT_SECRET_NAME=${trial.secretName}`));
  assert.ok(!out.includes('\u001b'));
  assert.match(err, /azure:core-rest-pipeline/);
  assert.doesNotMatch(out + err, /eyJ/);
});

test('without a sign-in it says which command gives one', async () => {
  const { code, out, err } = await start([...argumentsFor(new Trial()), '--dry-run'], { PATH: '' });
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /Run az login, or use --device-code\.\n$/);
});

test('with a device code it asks once, registers, and shows no secret or token in a verbose log', async () => {
  const trial = new Trial();
  let entered = 0;
  const enter = (err: string): void => {
    const codes = [...err.matchAll(/open the page (\S+) and enter the code ([A-Z]+)/g)];
    for (const [, page = '', code = ''] of codes.slice(entered)) {
      entered += 1;
      void fetch(page, { method: 'POST', body: new URLSearchParams({ code, user: administrator.oid }) });
    }
  };
  const options = ['--device-code', '--yes', '--json'];
  const { code, out, err } = await start(
    [...argumentsFor(trial), ...options],
    { AZURE_LOG_LEVEL: 'verbose' },
    enter,
  );
  assert.deepEqual([code, entered], [0, 1], err.slice(-500));
  trial.requireComplete();
  const { settings } = JSON.parse(out) as { settings: Record<string, string> };
  assert.equal(settings['SERVICE_CLIENT_APP_ID'], trial.application().appId);
  assert.doesNotMatch(out + err, /eyJ|8Q~/);
  assert.ok(cloud.log.list().some(({ path }) => path.endsWith('/devicecode')));
});

test('with --local it joins the run that goes on, as its demo administrator; without one it says how to start it', async (t) => {
  const admin = await listen(createAdmin({ ...cloud, standIns: [] }), 0);
  t.after(() => admin.close());
  const { entra = '', graph = '', keyVault = '' } = cloud.urls;
  const none = 'http://127.0.0.1:9';
  const { state } = settingsFor();
  assert.ok(state.kind === 'connectionString');
  const others = {
    managedIdentity: none,
    communication: none,
    dicom: none,
    subscriber: none,
    faults: admin.url,
  };
  const azure = { storage: state.connectionString.reveal(), entra, graph, keyVault, ...others };
  writeRunFile(folder, {
    ...{ pid: process.pid, host: { kind: 'local', url: none, keysEnforced: true }, azure },
    ...{ keys: { master: 'm', function: 'f' }, demo: { bearer: 'b', dicomBearer: 'b', userId: 'u' } },
  });
  const trial = new Trial();
  const options = [...argumentsFor(trial), '--local', '--dry-run', '--json'];
  const joined = await start(options, { LOCAL_DIR: folder });
  assert.equal(joined.code, 0, joined.err);
  const { dryRun } = JSON.parse(joined.out) as { dryRun: boolean };
  assert.equal(dryRun, true);
  const alone = await start(options, { LOCAL_DIR: join(folder, 'nothing') });
  assert.deepEqual([alone.code, alone.out], [2, '']);
  assert.match(alone.err, /^--local: no local run goes on\. Start one with npm start/);
});
