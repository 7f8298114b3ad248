// The settings that several capabilities share: callers, roles, and the storage accounts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStorage } from '../../../src/platform/storage.ts';
import { Secret } from '../../../src/platform/secret.ts';
import { entraTenant } from '../../../src/platform/settings/callers.ts';
import { parseSettings } from '../../../src/platform/settings/settings.ts';
import { storageConnectionString } from '../../../src/platform/settings/table.ts';
import { accountKey, accountString, entra, environments, guid, problemsOf, valueOf } from './environments.ts';

const issuerProblem = (issuer: string): readonly string[] =>
  problemsOf({ ...environments.communication, AUTH_ISSUER: issuer });

test('an Entra issuer must name a tenant by its GUID', () => {
  for (const path of [
    'common/v2.0',
    'organizations/v2.0',
    'clinic.onmicrosoft.com/v2.0',
    guid,
    `${guid}/v2.0/`,
    '',
  ]) {
    for (const host of [
      'login.microsoftonline.com',
      'LOGIN.microsoftonline.com',
      'login.microsoftonline.us',
    ]) {
      const problems = issuerProblem(`https://${host}/${path}`);
      assert.equal(problems.length, 1, path);
      assert.match(
        problems[0] ?? '',
        /^AUTH_ISSUER: found .*<tenant GUID>\/v2\.0: no domain, common or organ/,
      );
    }
  }
  assert.equal(issuerProblem('https://sts.windows.net/common/').length, 1);
  assert.equal(issuerProblem(`https://clinic.ciamlogin.com/clinic/v2.0`).length, 1);
});

test('Entra, its sovereign clouds, External ID and v1 issuers are recognised, any other issuer is not Entra', () => {
  const good = [
    ...['login.microsoftonline.com', 'login.microsoftonline.us', 'login.partner.microsoftonline.cn'].map(
      (host) => `https://${host}/${guid}/v2.0`,
    ),
    ...[`https://${guid}.ciamlogin.com/${guid}/v2.0`, `https://sts.windows.net/${guid}/`],
  ];
  for (const issuer of good) {
    assert.equal(entraTenant(issuer), guid, issuer);
    assert.deepEqual(issuerProblem(issuer), [], issuer);
  }
  for (const issuer of [
    'https://issuer.example',
    `https://login.microsoftonline.com.evil.example/${guid}/v2.0`,
    `https://evil.example/login.microsoftonline.com/${guid}/v2.0`,
    `https://ciamlogin.com/${guid}/v2.0`,
  ])
    assert.equal(entraTenant(issuer), undefined, issuer);
});

test('an Entra issuer is compared in the form that Entra writes', () => {
  const typed = `https://Login.MicrosoftOnline.com:443/${guid.toUpperCase()}/v2.0`;
  const { callers } = valueOf('communication', { ...environments.communication, AUTH_ISSUER: typed });
  assert.equal(callers?.issuer, entra);
  const other = 'https://Issuer.example/Clinic/';
  const kept = valueOf('communication', { ...environments.communication, AUTH_ISSUER: other });
  assert.equal(kept.callers?.issuer, other);
});

test('issuer and audience go together; without both there are no callers', () => {
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, ...rest } = environments.communication;
  assert.equal(valueOf('communication', rest).callers, undefined);
  assert.match(
    problemsOf({ ...rest, AUTH_ISSUER: issuer }).join(),
    /^AUTH_AUDIENCE: missing; expected [^;]*$/,
  );
  assert.match(
    problemsOf({ ...rest, AUTH_AUDIENCE: audience }).join(),
    /^AUTH_ISSUER: missing; expected [^;]*$/,
  );
});

test('a role needs an issuer whose bearers can carry it', () => {
  for (const [capability, name] of [
    ['rotation', 'AUTH_OPERATOR_ROLE'],
    ['changeFeed', 'AUTH_OPERATOR_ROLE'],
  ] as const) {
    const environment = { ...environments[capability], [name]: 'Clinic.Operate' };
    assert.deepEqual(problemsOf(environment), [
      `AUTH_ISSUER: missing; ${name} names a role, which only a verified bearer can carry`,
    ]);
    const callers = { AUTH_ISSUER: entra, AUTH_AUDIENCE: 'a, b' };
    const { operatorRole, callers: believed } = valueOf(capability, { ...environment, ...callers });
    assert.deepEqual(operatorRole, { role: 'Clinic.Operate' });
    assert.deepEqual(believed, { issuer: entra, audiences: ['a', 'b'], requiredScope: 'access_as_user' });
  }
});

test('the Teams exchange needs Entra for its callers', () => {
  const teams = { ...environments.communication, TEAMS_CLIENT_ID: guid };
  assert.equal(valueOf('communication', teams).teamsClientId, guid);
  assert.match(
    problemsOf({ ...teams, AUTH_ISSUER: 'https://issuer.example' }).join(),
    /^TEAMS_CLIENT_ID: given without an Entra AUTH_ISSUER/,
  );
});

test('the health details ask for the operators role as soon as one is chosen', () => {
  const roleOf = (environment: Record<string, string>): unknown => {
    const { operations } = parseSettings(environment);
    return operations.state === 'on' ? operations.value.role : operations.state;
  };
  assert.deepEqual(roleOf({ AUTH_OPERATOR_ROLE: 'Clinic.Operate' }), { role: 'Clinic.Operate' });
  assert.equal(roleOf({}), 'none');
  assert.equal(roleOf({ AUTH_OPERATOR_ROLE: 'Clinic Operate' }), 'misconfigured');
});

const endpoints = ['Blob', 'Queue', 'Table']
  .map((kind) => `${kind}Endpoint=https://clinic.${kind.toLowerCase()}.core.windows.net/`)
  .join(';');
const account = `DefaultEndpointsProtocol=https;AccountName=clinic;AccountKey=${accountKey}`;
const good = [
  ...['UseDevelopmentStorage=true', 'UseDevelopmentStorage=true;', accountString, `${accountString};`],
  ...[`${account};${endpoints}`, `${endpoints};SharedAccessSignature=sv=2024&sig=x`],
];
const bad = [
  ...['AccountName=clinic', account, 'UseDevelopmentStorage=false', 'clinic', endpoints],
  ...[`BlobEndpoint=https://c.example;SharedAccessSignature=sv=1`, accountString.replace(accountKey, '')],
  `${accountString};x`,
  ...[accountString.replace('DefaultEndpointsProtocol=https;', ''), accountString.replace('https', 'ftp')],
];

test('a connection string is taken when the storage clients take it, and refused otherwise', () => {
  const clients = (text: string): void => {
    const settings = { kind: 'connectionString', connectionString: new Secret(text) } as const;
    const storage = createStorage(settings, () => assert.fail('no credential is needed'));
    storage.container('abc');
    storage.queue('abc');
    storage.table('abc');
  };
  for (const text of good) {
    assert.equal(storageConnectionString.parse(text), text);
    clients(text);
  }
  for (const text of bad) {
    assert.equal(storageConnectionString.parse(text), undefined, text);
    assert.throws(() => {
      clients(text);
    }, text);
  }
});

const identity = (name: string): Record<string, string> => ({
  [`${name}__blobServiceUri`]: 'https://b.example/',
  [`${name}__queueServiceUri`]: 'https://q.example',
  [`${name}__tableServiceUri`]: 'https://t.example',
});
const { AzureWebJobsStorage: _hosts, ...noStorage } = environments.changeFeed;

test('an account name stands for its three endpoints, and an endpoint of its own goes before', () => {
  const { state } = valueOf('changeFeed', {
    ...noStorage,
    AzureWebJobsStorage__accountName: 'clinic',
    AzureWebJobsStorage__tableServiceUri: 'https://t.example',
    AzureWebJobsStorage__credential: 'managedidentity',
    AzureWebJobsStorage__clientId: guid,
  });
  assert.deepEqual(state, {
    kind: 'identity',
    blobUri: 'https://clinic.blob.core.windows.net',
    queueUri: 'https://clinic.queue.core.windows.net',
    tableUri: 'https://t.example',
    clientId: guid,
  });
});

test('the deliveries, the state and the host each take their own account, else the next one', () => {
  const own = { ...identity('STATE_STORAGE'), CHANGE_FEED_STORAGE__accountName: 'deliveries' };
  const { state, deliveries } = valueOf('changeFeed', { ...environments.changeFeed, ...own });
  assert.deepEqual(state, {
    ...{ kind: 'identity', blobUri: 'https://b.example', queueUri: 'https://q.example' },
    ...{ tableUri: 'https://t.example', clientId: undefined },
  });
  assert.equal(
    deliveries.kind === 'identity' && deliveries.blobUri,
    'https://deliveries.blob.core.windows.net',
  );
  const fromState = valueOf('changeFeed', { ...environments.changeFeed, ...identity('STATE_STORAGE') });
  assert.deepEqual(fromState.deliveries, fromState.state);
  const fromHost = valueOf('changeFeed', environments.changeFeed);
  assert.ok(fromHost.state.kind === 'connectionString');
  assert.equal(fromHost.state.connectionString.reveal(), accountString);
});

test('a bad account of its own is a problem, not a reason to use the next one', () => {
  const problems = problemsOf({ ...environments.changeFeed, STATE_STORAGE: 'nonsense' });
  assert.match(
    problems.join(),
    /^STATE_STORAGE: found a value that is not shown; expected a storage con[^;]*$/,
  );
  assert.match(
    problemsOf({ ...environments.changeFeed, CHANGE_FEED_STORAGE__accountName: 'No' }).join(';'),
    /^CHANGE_FEED_STORAGE__accountName: found "No"; expected a storage account name;CHANGE_FEED_STORAGE: incom/,
  );
});

test('the hosts account is not judged where the state has its own', () => {
  const { AzureWebJobsStorage__tableServiceUri: _table, ...blobAndQueue } = identity('AzureWebJobsStorage');
  const given = { ...noStorage, ...blobAndQueue };
  assert.match(problemsOf(given).join(), /^AzureWebJobsStorage: incomplete; expected /);
  assert.deepEqual(problemsOf({ ...given, STATE_STORAGE: accountString }), []);
});

test('two forms of one account together are an error that names both', () => {
  const problems = problemsOf({ ...environments.changeFeed, AzureWebJobsStorage__accountName: 'clinic' });
  assert.deepEqual(problems, [
    'AzureWebJobsStorage: given together with AzureWebJobsStorage__accountName; expected one form',
  ]);
});

test('each part of an identity-based account is judged', () => {
  const parts = { accountName: 'A', blobServiceUri: 'http://b', credential: 'key', clientId: 'x' };
  for (const [part, value] of Object.entries(parts)) {
    const name = `STATE_STORAGE__${part}`;
    const problems = problemsOf({ ...noStorage, ...identity('STATE_STORAGE'), [name]: value });
    assert.ok(problems[0]?.startsWith(`${name}: found "${value}"; expected `), problems.join());
  }
});
