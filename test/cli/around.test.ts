// What is shown while a command waits for the app, and how it tells of trouble.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { styleText } from 'node:util';
import * as z from 'zod/mini';
import { exitCodes, tell, waitFor, watched, type Around } from '../../cli/app/around.ts';
import type { Call, Trouble } from '../../cli/app/call.ts';
import { clearLine, progress } from '../../cli/terminal.ts';
import { ManualClock } from '../support/clock.ts';

interface Scene {
  readonly around: Around;
  readonly clock: ManualClock;
  readonly said: { out: string; err: string };
}

function scene({ live = false, colors = false } = {}): Scene {
  const said = { out: '', err: '' };
  const clock = new ManualClock();
  const terminal = { colors, live, asks: false, columns: 80 };
  const around: Around = {
    ...{ clock, terminal, url: 'https://f', interrupted: new AbortController().signal },
    streams: { out: (text) => void (said.out += text), err: (text) => void (said.err += text) },
    confirm: () => assert.fail('nobody is asked'),
    call: async <T>({ shape }: Call<T>) => ({ kind: 'answer', value: shape.parse({}), text: '{}' }),
  };
  return { around, clock, said };
}

const line = (text: string): string => progress(text, { columns: 80 });

test('the seconds go by on a terminal until the answer, which waits for none of them', async () => {
  const { around, clock, said } = scene({ live: true });
  const work = Promise.withResolvers<string>();
  const done = watched(
    around,
    (seconds) => `${seconds} s`,
    () => work.promise,
  );
  for (const ms of [1000, 1000, 500]) await clock.advance(ms);
  assert.equal(said.err, ['0 s', '1 s', '2 s'].map(line).join(''));
  work.resolve('answer');
  assert.equal(await done, 'answer');
  assert.equal(said.err, `${['0 s', '1 s', '2 s'].map(line).join('')}${clearLine}`);
});

test('what fails takes its line back as well', async () => {
  const { around, said } = scene({ live: true });
  const failing = watched(
    around,
    () => 'at it',
    () => Promise.reject(new Error('x')),
  );
  await assert.rejects(failing, /x/);
  assert.equal(said.err, `${line('at it')}${clearLine}`);
});

const call: Call<object> = {
  ...{ method: 'GET', path: 'x', answerMs: 1, capability: 'x', interruption: { detail: 'Stopped.' } },
  shape: z.object({}),
};

test('only work has a longest time, and nothing is shown to a file or beside JSON', async () => {
  const shown = async (live: boolean, json: boolean, isRun: boolean): Promise<string> => {
    const { around, said } = scene({ live });
    await waitFor(call, around, { json, isRun });
    return said.err;
  };
  assert.equal(
    await shown(true, false, true),
    `${line('waiting for the app, 0 s of at most 180')}${clearLine}`,
  );
  assert.equal(await shown(true, false, false), `${line('waiting for the app, 0 s')}${clearLine}`);
  assert.equal(await shown(true, true, true), '');
  assert.equal(await shown(false, false, true), '');
});

const trouble: Trouble = { kind: 'failed', code: 'a_code', detail: 'Words.' };

test('trouble is told with its code, its request and what may mend it, and steers no terminal', () => {
  const { around, said } = scene({ colors: true });
  const sly = { code: 'a\u001bcode', detail: 'Wor\u0007ds.', requestId: 'r\u001b1', advice: 'Mend it.' };
  assert.equal(tell({ kind: 'trouble', trouble: { ...trouble, ...sly } }, false, around), 1);
  const code = styleText('red', 'a code', { validateStream: false });
  assert.deepEqual(said, { out: '', err: `${code}: Wor ds.\nrequestId: r 1\nMend it.\n` });
});

test('with JSON the problem goes to stdout too: as it came, or else in its words', () => {
  const { around, said } = scene();
  tell({ kind: 'trouble', trouble, text: '{"as":"it came"}' }, true, around);
  tell({ kind: 'trouble', trouble }, true, around);
  assert.equal(said.out, '{"as":"it came"}\n{"code":"a_code","detail":"Words."}\n');
  assert.equal(said.err, 'a_code: Words.\na_code: Words.\n');
});

test('each kind of trouble has the exit code that the help lists', () => {
  const kinds = ['failed', 'usage', 'unreachable', 'busy', 'interrupted'] as const;
  const codes = kinds.map((kind) =>
    tell({ kind: 'trouble', trouble: { ...trouble, kind } }, false, scene().around),
  );
  assert.deepEqual([exitCodes.fine, ...codes], [0, 1, 2, 3, 4, 130]);
});
