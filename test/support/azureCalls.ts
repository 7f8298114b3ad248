// A program for the preload's test: calls Azure through the real SDK clients, or tries to reach other hosts, and prints JSON.
import { CommunicationIdentityClient } from '@azure/communication-identity';
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import tls from 'node:tls';
import { demo } from '../../local/demo.ts';

const credential = new ManagedIdentityCredential();

async function callAzure(): Promise<object> {
  const vault = new SecretClient(demo.vaultUrl, credential);
  await vault.setSecret('greeting', 'hello');
  const acs = new CommunicationIdentityClient(demo.communicationEndpoint, credential);
  const pipeline = createPipelineFromOptions({});
  pipeline.addPolicy(
    bearerTokenAuthenticationPolicy({ credential, scopes: 'https://graph.microsoft.com/.default' }),
  );
  const url = `https://graph.microsoft.com/v1.0/applications(appId='${demo.serviceClient.appId}')`;
  const graph = await pipeline.sendRequest(createDefaultHttpClient(), createPipelineRequest({ url }));
  const application = JSON.parse(graph.bodyAsText ?? '') as { displayName: string };
  const client = new ClientSecretCredential(demo.tenantId, demo.serviceClient.appId, 'a-secret');
  return {
    secret: (await vault.getSecret('greeting')).value,
    identity: (await acs.createUser()).communicationUserId,
    application: application.displayName,
    entra: (await client.getToken('https://graph.microsoft.com/.default')).token.split('.').length,
  };
}

/** Waits for an event of a connection that was not refused at once. */
function opened(emitter: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve, reject) => {
    emitter.once('connect', resolve).once('response', resolve).once('error', reject);
  });
}

const ways: Readonly<Record<string, () => Promise<unknown>>> = {
  https: () => opened(https.get('https://example.com/')),
  'https without an agent': () => opened(https.get({ host: 'example.com', agent: false })),
  http: () => opened(http.get('http://example.com/')),
  'http to an address': () => opened(http.get('http://192.0.2.1/')),
  'a look-alike': () => opened(https.get('https://graph.microsoft.com.example.com/')),
  http2: () => opened(http2.connect('https://example.com')),
  tls: () => opened(tls.connect(443, 'example.com')),
  fetch: () => fetch('https://example.com'),
  'fetch of an Azure host': () => fetch('https://graph.microsoft.com/v1.0'),
  'the SDK': () =>
    createPipelineFromOptions({}).sendRequest(
      createDefaultHttpClient(),
      createPipelineRequest({ url: 'https://management.azure.com/' }),
    ),
};

async function tryOthers(): Promise<object> {
  const answers: Record<string, string> = {};
  for (const [name, way] of Object.entries(ways)) {
    const started = performance.now();
    const answer = await Promise.resolve()
      .then(way)
      .then(
        () => 'reached',
        (error: unknown) => (error instanceof Error ? error.message : 'failed'),
      );
    answers[name] = performance.now() - started < 500 ? answer : `slow: ${answer}`;
  }
  return answers;
}

const work = process.argv[2] === 'azure' ? callAzure() : tryOthers();
work.then(
  (result) => {
    process.stdout.write(JSON.stringify(result));
  },
  (error: unknown) => {
    process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : 'failed' }));
  },
);
