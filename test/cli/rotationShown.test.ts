// What people at a terminal meet in `npm run rotation`: questions, waiting, tables, colours, and the exit code.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Trouble } from '../../cli/app/call.ts';
import { rotationCommand } from '../../cli/rotation/command.ts';
import { readRotationOptions } from '../../cli/rotation/options.ts';
import { showRun, showStatus } from '../../cli/rotation/show.ts';
import { clearLine, progress } from '../../cli/terminal.ts';
import type { RotationReport } from '../../src/rotation/report.ts';
import { play, type Ended } from './appScene.ts';

const keyId = '7e1e4ea1-7000-4000-8000-0000000000aa';

const report = (change: Partial<RotationReport>): RotationReport => ({
  ...{ appId: '7e1e4ea1-7000-4000-8000-000000000006', secretName: 'a-secret', outcome: 'noop', plan: [] },
  ...{ verifyAttempts: 0, durations: {}, warnings: [], ...change },
});

describe('a command', () => {
  async function run(
    answer: Trouble | RotationReport[],
    args: string[],
    { yes = false, waits = 0 } = {},
  ): Promise<Ended> {
    const read = readRotationOptions(args, {});
    if (read === 'help') assert.fail();
    const reply = Array.isArray(answer) ? { json: { clients: answer } } : { trouble: answer };
    const scene = { answer: () => reply, yes, live: waits > 0, answerMs: waits * 1000 };
    return play((around) => rotationCommand(read, around), scene);
  }

  test('asks before a forced run or a revocation, and changes nothing without a yes', async () => {
    const force = ['run', '--force', '--reason', 'x'];
    const no = await run([report({})], force);
    assert.deepEqual([no.code, no.asked.length, no.err], [130, 0, 'Nothing was changed.\n']);
    assert.match(no.questions.join(), /^At https:\/\/f: make a new secret for every service client/);
    const yes = await run([report({})], ['run', '--revoke', keyId, '--reason', 'x', '--target', 'one'], {
      yes: true,
    });
    assert.deepEqual([yes.code, yes.asked.length], [0, 1]);
    assert.match(yes.questions.join(), new RegExp(`remove the secret ${keyId} of one at once`));
    for (const args of [['run'], ['plan', '--force'], [...force, '--yes']])
      assert.deepEqual((await run([report({})], args)).questions, []);
  });

  test('says on a terminal how long it has waited, and takes that back', async () => {
    const { err } = await run([report({})], ['run'], { waits: 2 });
    const lines = err.split('\r\u001b[2K').slice(1);
    assert.deepEqual(lines, [0, 1].map((s) => `… waiting for the app, ${s} s of at most 180`).concat(''));
    assert.equal((await run([report({})], ['run', '--json'], { waits: 2 })).err, '');
  });

  test('ends with the code of the worst that happened', async () => {
    const failed = report({ outcome: 'failed' });
    const busy = report({ outcome: 'busy' });
    const late = report({ outcome: 'not_started' });
    for (const [clients, code] of [
      [[report({}), report({ outcome: 'rotated' }), report({ outcome: 'waiting' })], 0],
      [[report({}), report({ outcome: 'refused' })], 1],
      [[failed, busy], 1],
      [[report({}), busy], 4],
      [[report({}), late], 4],
    ] as const)
      assert.equal((await run([...clients], ['run'])).code, code);
    assert.deepEqual([(await run([late], ['status'])).code, (await run([failed], ['status'])).code], [0, 1]);
  });

  test('shows an answer’s words without letting them steer the terminal', async () => {
    const trouble = {
      kind: 'failed',
      code: 'internal',
      detail: 'a\u001b[2Jb',
      requestId: 'r\u0007',
    } as const;
    const told = await run(trouble, ['plan']);
    assert.deepEqual([told.code, told.err], [1, 'internal: a [2Jb\nrequestId: r \n']);
    const warned = await run([report({ warnings: ['c\u001bd'] })], ['run']);
    assert.match(warned.out, /warning: c d/);
  });
});

describe('the table', () => {
  const now = Date.parse('2026-11-20T12:00:00Z');
  const known = report({
    ...{ outcome: 'rotated', daysToExpiry: 89.9, time: '2026-11-20T09:30:00.000Z' },
    ...{ counts: { owned: 2, orphan: 1, foreign: 3 }, nextRotation: '2027-01-19T00:00:00.000Z' },
    error: { code: 'graph_denied', message: 'Denied.', advice: 'Grant it.' },
  });
  const both = [known, report({ outcome: 'not_started', secretName: 'another-secret', warnings: ['Look.'] })];
  const show = (columns?: number, colors = false): string => showStatus(both, now, { colors, columns });

  test('has a line for each client, and what is to be said of it below', () => {
    assert.deepEqual(show().split('\n'), [
      'APP ID                                SECRET          OUTCOME      EXPIRES  OWNED  ORPHAN  FOREIGN  LAST RUN  NEXT ROTATION',
      '7e1e4ea1-7000-4000-8000-000000000006  a-secret        rotated      89.7 d   2      1       3        2 h ago   2027-01-19',
      '7e1e4ea1-7000-4000-8000-000000000006  another-secret  not started  -        -      -       -        -         -',
      '',
      'a-secret: graph_denied: Denied. Grant it.',
      'another-secret: warning: Look.',
      '',
    ]);
  });

  test('counts the days to the expiry from today, however old the report is', () => {
    const later = showStatus([known], now + 100 * 86_400_000, { colors: false, columns: undefined });
    assert.match(later, / -10\.3 d .* 100 d ago/);
  });

  test('is never wider than the terminal', () => {
    const widest = (text: string): number => Math.max(...text.split('\n').map(({ length }) => length));
    const full = widest(show());
    assert.equal(show(full), show());
    assert.match(show(full - 1), /\n7e1e4ea1… {2}a-secret /);
    assert.equal(widest(show(full - 1)), full - 27);
    const narrow = show(full - 28);
    assert.match(narrow, /^APP ID {9}7e1e4ea1-7000-4000-8000-000000000006\nSECRET {9}a-secret\n/);
    assert.ok(widest(narrow) < 60);
  });

  test('has its colours on a terminal only, and they do not shift its columns', () => {
    assert.ok(show(undefined, true).includes(styleText('green', 'rotated    ', { validateStream: false })));
    assert.equal(stripVTControlCharacters(show(undefined, true)), show());
  });
});

test('progress fits the terminal, so that it can be taken back whole', () => {
  assert.equal(progress('x'.repeat(30), { columns: 20 }), `${clearLine}… ${'x'.repeat(17)}`);
});

test('a run is told client by client, with a count where there are several', () => {
  const plan = [{ kind: 'mint', text: 'mint it' }];
  const minted = report({
    outcome: 'rotated',
    plan,
    durations: { total: 9_120 },
    newKeyId: 'k',
    verifyAttempts: 4,
  });
  const shown = showRun([{ ...minted, versionId: 'v' }, report({})], { colors: false, columns: undefined });
  assert.deepEqual(shown.split('\n'), [
    'a-secret of 7e1e4ea1-7000-4000-8000-000000000006: rotated (9.1 s)',
    '  - mint it',
    '  new key id k, version v of the secret, proven with 4 token requests',
    'a-secret of 7e1e4ea1-7000-4000-8000-000000000006: nothing to do',
    '1 rotated, 1 nothing to do',
    '',
  ]);
});
