// The run file: tells scripts, the preload and people's own tools where everything of a local run is.
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { checked } from './check.ts';
import { readIfPresent, writePrivateFile } from './privateFile.ts';

const text = z.string().check(z.minLength(1));

const schema = z.object({
  pid: z.int().check(z.positive()),
  /** Beside `npm run azure` the host is the Core Tools' that somebody starts in another terminal. */
  host: z.object({ kind: z.enum(['local', 'func']), url: text, keysEnforced: z.boolean() }),
  keys: z.object({ master: text, function: text }),
  demo: z.object({ bearer: text, dicomBearer: text, userId: text }),
  azure: z.object({
    /** Connection string. */
    storage: text,
    managedIdentity: text,
    entra: text,
    graph: text,
    keyVault: text,
    communication: text,
    dicom: text,
    subscriber: text,
    /** The admin endpoint. */
    faults: text,
  }),
});
export type RunFile = z.output<typeof schema>;

/** Absolute: `LOCAL_DIR`, else `.local` beside package.json: the same rule as the preload's. */
export function localDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return resolve(environment['LOCAL_DIR'] || fileURLToPath(new URL('../.local', import.meta.url)));
}

/**
 * Beside the run file: the two bearers as headers for `curl -H "@<file>"`. A thousand characters of token in a command line
 * bury everything else, and stay in the shell's history.
 */
export function headerFiles(directory: string): { readonly user: string; readonly gateway: string } {
  return { user: join(directory, 'bearer.txt'), gateway: join(directory, 'dicom-bearer.txt') };
}

export function writeRunFile(directory: string, run: RunFile): void {
  const { user, gateway } = headerFiles(directory);
  writePrivateFile(user, `Authorization: Bearer ${run.demo.bearer}\n`);
  writePrivateFile(gateway, `Authorization: Bearer ${run.demo.dicomBearer}\n`);
  writePrivateFile(join(directory, 'run.json'), `${JSON.stringify(run, null, 2)}\n`);
}

/** Undefined when there is none. Throws an error naming the file and the field when it is not a run file. */
export function readRunFile(directory: string): RunFile | undefined {
  const path = join(directory, 'run.json');
  const content = readIfPresent(path);
  if (content === undefined) return undefined;
  return checked(
    schema,
    parsed(content),
    (reason) => new Error(`${path} is not a run file, remove it: ${reason}`),
  );
}

/** Removes the files if they are this process's own, so that a later run keeps its files. */
export function removeRunFile(directory: string, pid: number = process.pid): void {
  const file = join(directory, 'run.json');
  if (schema.safeParse(parsed(readIfPresent(file) ?? '')).data?.pid !== pid) return;
  for (const path of [file, ...Object.values(headerFiles(directory))]) rmSync(path, { force: true });
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch {
    return undefined;
  }
}
