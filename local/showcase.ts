// Lets the running app do its three jobs once, over its own URLs, and says what happened.
import { BlobServiceClient, type BlobItem, type ContainerClient } from '@azure/storage-blob';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { RunFile } from './runFile.ts';

const waitMs = 60_000;
const pollMs = 500;

const issued = z.object({ expiresOn: z.string(), user: z.object({ communicationUserId: z.string() }) });
const rotations = z.object({
  clients: z.array(
    z.looseObject({ outcome: z.string(), secretName: z.string(), keyId: z.optional(z.nullable(z.string())) }),
  ),
});
const feeds = z.object({
  services: z.array(z.looseObject({ outcome: z.string(), cursor: z.nullable(z.number()) })),
});

/** Issues a token for the demo user; answers a line for people. */
export async function showToken({ host, demo }: RunFile): Promise<string> {
  const reply = await ask(host.url, '/api/tokens', {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.bearer}` },
  });
  const { user, expiresOn } = issued.parse(await reply.json());
  return `token issued for ${user.communicationUserId}, valid until ${expiresOn}`;
}

/** Starts the rotation timer and waits for its report. */
export async function showRotation(run: RunFile, oldKeyId: string | undefined): Promise<string> {
  await runTimer(run, 'rotateSecrets');
  const client = await until(async () => {
    const { clients } = rotations.parse(await operation(run, 'rotations'));
    return clients.find(({ keyId }) => keyId !== undefined && keyId !== null && keyId !== oldKeyId);
  }, 'the secret was not rotated');
  const now = `key id ${client.keyId ?? ''}`;
  if (oldKeyId === undefined) return `secret ${client.secretName} stands at ${now}`;
  return `secret ${client.secretName} rotated from key id ${oldKeyId} to ${now}`;
}

/** Starts the change feed timer and waits until everything that was stored has been delivered. */
export async function showFeed(run: RunFile, stored: number): Promise<string> {
  await runTimer(run, 'pullChangeFeed');
  const service = await until(async () => {
    const { services } = feeds.parse(await operation(run, 'change-feed'));
    return services.find(({ cursor }) => (cursor ?? 0) >= stored);
  }, 'the changes were not delivered');
  const container = BlobServiceClient.fromConnectionString(run.azure.storage).getContainerClient(
    'dicom-changes',
  );
  const reached = `sequence ${service.cursor ?? 0}`;
  const newest = await newestBlob(container);
  if (newest === undefined) return `change feed pulled up to ${reached}; no blob was delivered`;
  const what = stored === 0 ? 'changes' : `${stored} changes`;
  return `${what} delivered up to ${reached}: webhook, queue dicom-changes, container dicom-changes (${newest})`;
}

/** Undefined where nothing was delivered, as with a start at the newest change or without the sink. */
async function newestBlob(container: ContainerClient): Promise<string | undefined> {
  if (!(await container.exists())) return undefined;
  const blobs: BlobItem[] = [];
  for await (const blob of container.listBlobsFlat()) blobs.push(blob);
  const age = ({ properties }: BlobItem): number => properties.lastModified.getTime();
  return blobs.sort((left, right) => age(right) - age(left))[0]?.name;
}

async function runTimer({ host, keys }: RunFile, name: string): Promise<void> {
  await ask(host.url, `/admin/functions/${name}`, {
    method: 'POST',
    headers: { 'x-functions-key': keys.master, 'content-type': 'application/json' },
    body: '{}',
  });
}

async function operation({ host, keys }: RunFile, route: string): Promise<unknown> {
  const reply = await ask(host.url, `/api/${route}`, { headers: { 'x-functions-key': keys.function } });
  return reply.json();
}

/** Throws an error that names what was asked and what came back. */
async function ask(host: string, path: string, init: RequestInit): Promise<Response> {
  const asked = `${init.method ?? 'GET'} ${path}`;
  const reply = await fetch(host + path, init).catch((cause: unknown) => {
    throw new Error(`${asked} got no answer`, { cause });
  });
  if (!reply.ok) throw new Error(`${asked} was answered ${reply.status} ${await reply.text()}`.trimEnd());
  return reply;
}

async function until<T>(look: () => Promise<T | undefined>, otherwise: string): Promise<T> {
  const end = performance.now() + waitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${otherwise} within ${waitMs / 1000} s`);
    await sleep(pollMs);
  }
}
