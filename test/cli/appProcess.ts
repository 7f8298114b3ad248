// A command of the app as people and pipelines call it: a process of its own beside an app that runs.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after } from 'node:test';
import { writeRunFile, type RunFile } from '../../local/runFile.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

type Start = (
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
  input?: string,
) => Started;

export interface Command {
  /** Holds the run file of the app. */
  readonly directory: string;
  readonly start: Start;
  /** Until it has ended. Fails where it shows the key, or colours where nobody looks on. */
  readonly call: (...args: Parameters<Start>) => Promise<Ended>;
}

/** `entry` is a file of `cli/`. Await nothing: the folder is gone after the tests of the file. */
export function commandOf(entry: string, run: RunFile): Command {
  const directory = mkdtempSync(join(tmpdir(), 'telehealth-cli-'));
  writeRunFile(directory, run);
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const start: Start = (args, environment = {}, input = '') => {
    const env = { PATH: process.env['PATH'], LOCAL_DIR: directory, ...environment };
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../cli', entry), ...args], { env });
    child.stdin.end(input);
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
      ([out, err]) => ({ code: child.exitCode, out, err }),
    );
    return { child, ended };
  };
  return {
    ...{ directory, start },
    async call(...args) {
      const ended = await start(...args).ended;
      assert.doesNotMatch(ended.out + ended.err, new RegExp(`${run.keys.function}|the-wrong-key|\\u001b`));
      return ended;
    },
  };
}
