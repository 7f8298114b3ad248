// How the app signs in: each way in a process of its own, because the SDK reads the environment once.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createCredential, SignInError } from '../../src/platform/credential.ts';
import { credentialTimeoutMs } from '../../src/platform/limits.ts';
import { eventually, ManualClock } from '../support/clock.ts';

type Outcome = Partial<Record<'name' | 'message' | 'cause', string>> & {
  readonly tokens?: readonly string[];
};
const clientId = '7e1e4ea1-7000-4000-8000-000000000002';

/** Signs in three times at once in a process that has nothing but these settings. */
async function signIn(environment: Readonly<Record<string, string>>): Promise<Outcome> {
  const child = join(import.meta.dirname, 'signIn.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', child], {
    env: { PATH: '/nowhere', HOME: '/nowhere', ...environment },
  });
  return JSON.parse(stdout) as Outcome;
}

interface Endpoint {
  readonly environment: Readonly<Record<string, string>>;
  readonly requests: readonly string[];
}

/** The managed identity endpoint of App Service; without an answer it hangs. */
async function managedIdentity(
  answer?: (resource: string) => readonly [status: number, body: object],
): Promise<Endpoint> {
  const requests: string[] = [];
  const hanging: ServerResponse[] = [];
  const server = createServer(({ url, headers }: IncomingMessage, response) => {
    const query = new URL(url ?? '', 'http://localhost').searchParams;
    requests.push(
      `${query.get('resource') ?? ''} ${query.get('client_id') ?? '-'} ${String(headers['x-identity-header'])}`,
    );
    if (!answer) {
      hanging.push(response);
      return;
    }
    const [status, body] = answer(query.get('resource') ?? '');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(async () => {
    // Refused at last: a broken connection would be tried again for seconds after the tests.
    for (const response of hanging) response.writeHead(400).end('{}');
    await eventually('the end of the answers', () =>
      hanging.every(({ writableFinished }) => writableFinished),
    );
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${String(port)}/msi/token`;
  return { environment: { IDENTITY_ENDPOINT: url, IDENTITY_HEADER: 'header-1' }, requests };
}

const granting = (resource: string): readonly [number, object] => [
  200,
  { access_token: 'msi-token', expires_on: '4102444800', resource, token_type: 'Bearer' },
];

/** A folder with an `az` that writes down its arguments and answers as the Azure CLI does. */
function azureCli(
  t: TestContext,
  script: string,
): { readonly PATH: string; readonly calls: () => readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'az-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const log = join(folder, 'calls');
  writeFileSync(log, '');
  writeFileSync(join(folder, 'az'), `#!/bin/sh\necho "$@" >> '${log}'\n${script}\n`, { mode: 0o755 });
  const calls = (): readonly string[] => readFileSync(log, 'utf8').split('\n').filter(Boolean);
  return { PATH: folder, calls };
}

const cliAnswer = JSON.stringify({
  ...{ accessToken: 'cli-token', expiresOn: '2099-12-31 23:00:00.000000', expires_on: 4102444800 },
  ...{ subscription: clientId, tenant: clientId, tokenType: 'Bearer' },
});

test('in Azure the system-assigned managed identity signs in, once for calls at the same time', async () => {
  const endpoint = await managedIdentity(granting);
  assert.deepEqual(await signIn(endpoint.environment), { tokens: ['msi-token', 'msi-token', 'msi-token'] });
  assert.deepEqual(endpoint.requests, ['https://vault.azure.net - header-1']);
});

test("a user-assigned identity is asked for by its client id, the capability's own first", async () => {
  const endpoint = await managedIdentity(granting);
  const shared = '7e1e4ea1-7000-4000-8000-00000000000d';
  await signIn({ ...endpoint.environment, AZURE_CLIENT_ID: shared });
  await signIn({ ...endpoint.environment, AZURE_CLIENT_ID: shared, ROTATION_CLIENT_ID: clientId });
  assert.deepEqual(endpoint.requests, [
    `https://vault.azure.net ${shared} header-1`,
    `https://vault.azure.net ${clientId} header-1`,
  ]);
});

test('an identity that is not assigned is named, with what to do', async () => {
  const refuse = (): readonly [number, object] => [
    400,
    { statusCode: 400, message: 'No User Assigned identity found' },
  ];
  const { environment } = await managedIdentity(refuse);
  const { name, message, cause } = await signIn({ ...environment, AZURE_CLIENT_ID: clientId });
  assert.equal(name, 'SignInError');
  assert.match(message ?? '', new RegExp(`Tried: the managed identity with client id ${clientId}\\. Assign`));
  // A deployment sets the second kind alone.
  assert.match(message ?? '', /AZURE_CLIENT_ID or the job's own, such as ROTATION_CLIENT_ID\.$/);
  assert.match(cause ?? '', /No User Assigned identity found/);
  assert.match(
    (await signIn(environment)).message ?? '',
    /Tried: the system-assigned managed identity\. Assign/,
  );
});

test('on a workstation az login is enough', async (t) => {
  const { PATH, calls } = azureCli(t, `printf '%s' '${cliAnswer}'`);
  assert.deepEqual(await signIn({ PATH }), { tokens: ['cli-token', 'cli-token', 'cli-token'] });
  assert.deepEqual(calls(), ['account get-access-token --output json --resource https://vault.azure.net']);
});

test('the code by which Entra refuses a sign-in is told, and nothing else that it says', async (t) => {
  const refusing = (words: string): string => azureCli(t, `echo "ERROR: ${words}" >&2; exit 1`).PATH;
  const expired = await signIn({ PATH: refusing('AADSTS70043: canary has expired. az login --scope x') });
  assert.match(expired.message ?? '', /^Sign-in failed \(AADSTS70043\)\. Tried: Azure CLI,.* Run `az login`/);
  assert.doesNotMatch(expired.message ?? '', /canary/);
  const closed = refusing('AADSTS65002: consent between first parties. az login --scope x');
  assert.match(
    (await signIn({ PATH: closed })).message ?? '',
    /\(AADSTS65002\)\. .*AZURE_TOKEN_CREDENTIALS=EnvironmentCredential/,
  );
});

test('AZURE_TOKEN_CREDENTIALS chooses, also where a managed identity is offered', async (t) => {
  const { PATH, calls } = azureCli(t, `printf '%s' '${cliAnswer}'`);
  const endpoint = await managedIdentity(granting);
  for (const choice of ['AzureCliCredential', 'dev', 'azureclicredential']) {
    const { tokens } = await signIn({ ...endpoint.environment, PATH, AZURE_TOKEN_CREDENTIALS: choice });
    assert.deepEqual(tokens, ['cli-token', 'cli-token', 'cli-token'], choice);
  }
  assert.equal(calls().length, 3);
  assert.deepEqual(endpoint.requests, []);
  const given = { ...endpoint.environment, PATH, AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential' };
  assert.deepEqual((await signIn({ ...given, AZURE_CLIENT_ID: clientId })).tokens?.[0], 'msi-token');
  assert.deepEqual(endpoint.requests, [`https://vault.azure.net ${clientId} header-1`]);
});

test('a chosen credential that fails is named by its setting', async () => {
  const { message } = await signIn({ AZURE_TOKEN_CREDENTIALS: 'AzureCliCredential' });
  assert.match(
    message ?? '',
    /Tried: what AZURE_TOKEN_CREDENTIALS=AzureCliCredential names\. Check that setting/,
  );
});

test('not signed in: the error says what was tried and to run az login', async (t) => {
  const words = 'ERROR: Please run "az login" to setup account.';
  const { PATH } = azureCli(t, `echo '${words}' >&2; exit 1`);
  const { name, message } = await signIn({ PATH });
  assert.equal(name, 'SignInError');
  assert.match(
    message ?? '',
    /Tried: Azure CLI, Azure Developer CLI, Azure PowerShell\. Run `az login` on this machine/,
  );
});

test('with no tool at all the error is the same', async () => {
  const { message } = await signIn({});
  assert.match(message ?? '', /Tried: Azure CLI, Azure Developer CLI, Azure PowerShell\. Run `az login`/);
});

test('an endpoint that hangs ends after the time limit, for everybody who waits, and is asked anew afterwards', async () => {
  const endpoint = await managedIdentity();
  Object.assign(process.env, endpoint.environment);
  const clock = new ManualClock();
  const settings = { managedIdentity: true };
  const credential = createCredential(settings, clock);
  const failed = async (): Promise<SignInError> => {
    const error: unknown = await credential
      .getToken('https://hanging.example/.default')
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof SignInError);
    return error;
  };
  const first = failed();
  const second = failed();
  await eventually('the request', () => endpoint.requests.length > 0);
  await clock.advance(credentialTimeoutMs);
  for (const error of await Promise.all([first, second]))
    assert.match(String(error.cause), /no answer within 20 s/);
  assert.equal(endpoint.requests.length, 1);
  assert.equal(clock.sleeping, 0);
  const third = failed();
  await eventually('another request', () => endpoint.requests.length === 2);
  await clock.advance(credentialTimeoutMs);
  await third;
});
