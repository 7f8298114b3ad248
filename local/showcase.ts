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

const misconfigured = z.object({ code: z.literal('misconfigured') });
const details = z.object({
  capabilities: z.record(
    z.string(),
    z.object({ problems: z.optional(z.array(z.object({ setting: z.string(), problem: z.string() }))) }),
  ),
});

/** What calls of the app need. */
type Running = Pick<RunFile, 'host' | 'keys'>;

/** Issues a token for the demo user; answers a line for people. */
export async function showToken(run: Running & Pick<RunFile, 'demo'>): Promise<string> {
  const reply = await ask(run, '/api/tokens', {
    method: 'POST',
    headers: { authorization: `Bearer ${run.demo.bearer}` },
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

async function runTimer(run: Running, name: string): Promise<void> {
  await ask(run, `/admin/functions/${name}`, {
    method: 'POST',
    headers: { 'x-functions-key': run.keys.master, 'content-type': 'application/json' },
    body: '{}',
  });
}

async function operation(run: Running, route: string): Promise<unknown> {
  const reply = await ask(run, `/api/${route}`, { headers: { 'x-functions-key': run.keys.function } });
  return reply.json();
}

/** Throws an error that names what was asked and what came back, with the settings that are wrong where that is the reason. */
async function ask(run: Running, path: string, init: RequestInit): Promise<Response> {
  const asked = `${init.method ?? 'GET'} ${path}`;
  const reply = await fetch(run.host.url + path, init).catch((cause: unknown) => {
    throw new Error(`${asked} got no answer`, { cause });
  });
  if (reply.ok) return reply;
  const text = await reply.text();
  const wrong = misconfigured.safeParse(parsed(text)).success ? await wrongSettings(run) : '';
  throw new Error(`${asked} was answered ${reply.status} ${wrong || text}`.trimEnd());
}

/** As the details of the health route tell them; empty where they do not. */
async function wrongSettings({ host, keys }: Running): Promise<string> {
  const headers = { 'x-functions-key': keys.function };
  const text = await fetch(`${host.url}/api/health/details`, { headers }).then(
    (reply) => reply.text(),
    () => '',
  );
  const { data } = details.safeParse(parsed(text));
  const problems = Object.values(data?.capabilities ?? {}).flatMap((capability) => capability.problems ?? []);
  const lines = problems.map(({ setting, problem }) => `${setting}: ${problem}`);
  return lines.length === 0 ? '' : `misconfigured: ${[...new Set(lines)].join('; ')}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
