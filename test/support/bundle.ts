// What the built bundle registers with given settings, found by loading it as a host does, in a process of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

const root = join(import.meta.dirname, '..', '..');

/** The settings of the sample file, with which everything is registered. */
export const sample = z
  .object({ Values: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'local.settings.sample.json'), 'utf8'))).Values;

const output = z.object({
  state: z.literal('Running'),
  inError: z.array(z.never()),
  lines: z.array(z.string()),
});

/** A line for each function, `<name>: <method> <route> <auth level>`, and what the app said while it loaded. */
export function registered(settings: Readonly<Record<string, string>>): {
  lines: readonly string[];
  console: string;
} {
  const child = spawnSync(process.execPath, [join(root, 'test/support/registrations.ts')], {
    env: { PATH: process.env['PATH'], ...settings },
    encoding: 'utf8',
  });
  assert.equal(child.status, 0, child.stderr);
  const json = child.stdout.slice(child.stdout.lastIndexOf('{"state"'));
  return { lines: output.parse(JSON.parse(json)).lines, console: child.stdout + child.stderr };
}
