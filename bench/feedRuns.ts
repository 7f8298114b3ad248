// Runs the processes of the change feed's benchmark, and looks at what was delivered.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import * as z from 'zod/mini';
import { bundleAsApp } from '../scripts/bundle.ts';
import { once as remembered } from '../src/platform/once.ts';

const pullResult = z.object({
  seconds: z.number(),
  /** Time of the processor, the start of the process included. */
  cpuMs: z.number(),
  /** Requests to the feed, and to storage. */
  pages: z.int(),
  stored: z.int(),
  /** Most memory of the process, MiB. */
  peakMib: z.int(),
});
export type PullResult = z.infer<typeof pullResult>;

/** The pullers have no metadata, or with `pullAll` all of it. */
export type Side = 'read' | 'pull' | 'pullAll';

/**
 * What Node takes for its heap on an instance of 2 GB, which is what the templates deploy (measured with Node 24); with more
 * memory it lets garbage lie around longer.
 */
const heapMib = 1088;

const bundled = remembered(() => bundleAsApp('bench/feedPuller.ts', 'puller.cjs'));

const backendsReady = z.object({ feed: z.string(), storage: z.string() });

export interface FeedBackends extends z.infer<typeof backendsReady> {
  /** Path of the puller, bundled as the app is. */
  readonly puller: string;
  close(): Promise<void>;
}

/** A feed of so many changes that answers each page after `latencyMs`, and a storage account. */
export async function openBackends(changes: number, latencyMs: number): Promise<FeedBackends> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-feed-'));
  const puller = join(folder, 'puller.cjs');
  await writeFile(puller, (await bundled()).code);
  const backends = join(import.meta.dirname, 'feedBackends.ts');
  const child = start(backends, [String(changes), String(latencyMs), folder]);
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...backendsReady.parse(await messageOf(child)), puller, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Reads, or pulls and delivers into `container`, all changes in a new process. */
export async function run(
  side: Side,
  { feed, storage, puller }: Omit<FeedBackends, 'close'>,
  container: string,
  changes: number,
): Promise<PullResult> {
  const args = [side, feed, storage, container, String(changes)];
  return pullResult.parse(await messageOf(start(puller, args, [`--max-heap-size=${heapMib}`])));
}

function start(file: string, args: string[], execArgv: string[] = []): ChildProcess {
  return fork(file, args, {
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const gone = new AbortController();
  child.once('exit', () => {
    gone.abort(new Error('A process of the benchmark ended early.'));
  });
  const said: unknown[] = await once(child, 'message', { signal: gone.signal });
  return said[0];
}

const line = z.object({ data: z.object({ sequenceNumber: z.int() }) });

/** How many of the sequences 1 to `changes` are not delivered in their place, reading the blobs in the order of their names. */
export async function misplaced(storage: string, container: string, changes: number): Promise<number> {
  const blobs = BlobServiceClient.fromConnectionString(storage).getContainerClient(container);
  let [next, wrong] = [1, 0];
  for await (const { name } of blobs.listBlobsFlat()) {
    const text = (await blobs.getBlobClient(name).downloadToBuffer()).toString();
    for (const one of text.trimEnd().split('\n')) {
      if (line.parse(JSON.parse(one)).data.sequenceNumber !== next) wrong += 1;
      next += 1;
    }
  }
  return wrong + Math.abs(changes + 1 - next);
}
