// How `npm run feed` waits for the end of a replay: on a terminal and without one, and while the app is away.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clearLine } from '../../cli/terminal.ts';
import type { Reply, SceneOptions } from './appScene.ts';
import { clinic, json, replay, run, trouble, why } from './feedWords.ts';

const started = json({ id: 'r-1' });
const named = ['replay', '--from', '1', '--service', clinic, ...why];

describe('a replay', () => {
  /** Starts, and answers each of these when asked how far it is; the last one for ever. */
  const goingOn =
    (...replies: readonly Reply[]): SceneOptions['answer'] =>
    ({ method }, nth) =>
      method === 'POST' ? started : (replies[Math.min(nth - 2, replies.length - 1)] ?? assert.fail());
  const running = (passed: number): Reply => json(replay({ passed, delivered: passed }));
  const done = json(replay({ state: 'done', passed: 10_000, endedAt: '2026-03-01T12:00:00.000Z' }));

  test('is followed on a terminal in one line that is gone when it has ended', async () => {
    const answer = goingOn(running(0), running(2_500), running(5_000), running(7_500), running(9_000), done);
    const { code, out, err, asked, seconds } = await run(named, answer, { live: true, columns: 100 }, 30);
    assert.equal(code, 0);
    assert.match(out, /^r-1\nREPLAY {5}r-1\n[^]*STATE {6}done\n/);
    assert.deepEqual(asked.at(-1), { method: 'GET', path: 'change-feed/replays/r-1' });
    assert.ok(seconds >= 15 && seconds < 18, String(seconds));
    const shown = err.split(clearLine).slice(1);
    const lines = shown.filter((line) => line.startsWith('['));
    assert.equal(lines.length, 5);
    assert.equal(
      lines[4],
      '[█████████████████████░░░] 90 %  <1 min left  9,000 events, 750/s  9,000 of 10,000 sequences',
    );
    assert.deepEqual([shown.at(-1), err.includes('\n')], ['', false]);
  });

  test('is followed with --wait where there is no terminal, with a line each minute and no escape codes', async () => {
    const runs = Array.from({ length: 45 }, (_, poll) => running(poll * 200));
    const { code, err } = await run([...named, '--wait'], goingOn(...runs, done), {}, 200);
    assert.equal(code, 0);
    assert.deepEqual(
      err.split('\n').map((line) => line.slice(0, 31)),
      ['[█████████░░░░░░░░░░░░░░░] 40 %', '[███████████████████░░░░░] 80 %', ''],
    );
    const silent = await run([...named, '--wait', '--json'], goingOn(...runs, done), {}, 200);
    assert.deepEqual([silent.err, silent.out], ['', `${JSON.stringify('json' in done && done.json)}\n`]);
  });

  test('tells above the line what its runs meet, once', async () => {
    const error = { code: 'upstream_failed', message: 'It is down.', advice: 'Mend it.' };
    const down = json(replay({ lastRun: { time: '', outcome: 'sink_down', error } }));
    const { err } = await run(named, goingOn(running(0), down, down, done), { live: true }, 30);
    assert.equal(err.split(`${clearLine}sink down: It is down. Mend it.\n`).length, 2);
  });

  test('that was cancelled or has failed makes the exit code 1', async () => {
    for (const state of ['cancelled', 'failed'] as const) {
      const over = json(replay({ state }));
      assert.equal((await run([...named, '--wait'], goingOn(over))).code, 1);
      assert.equal((await run(['status', 'r-1'], () => over)).code, 1);
    }
    assert.equal((await run(['status', 'r-1'], () => running(1))).code, 0);
    assert.equal((await run(['status', 'r-1', '--wait'], (_, nth) => (nth < 2 ? running(1) : done))).code, 0);
  });

  const ways = 'See how far it is: npm run feed -- status r-1\nEnd it: npm run feed -- cancel r-1\n';

  test('goes on when nobody waits any more, and that is said', async () => {
    const { code, err, out } = await run(named, goingOn(running(1)), { live: true, interruptAt: 3 });
    assert.deepEqual([code, out], [130, 'r-1\n']);
    const words = `interrupted: Nobody waits any more; the replay itself goes on.\n${ways}`;
    assert.ok(err.endsWith(`${clearLine}${words}`), err);
  });

  test('is waited for although the app is away for some minutes, but not for ever', async () => {
    const minute = Array.from({ length: 20 }, () => running(1));
    const away = Array.from({ length: 90 }, () => trouble());
    const back = await run([...named, '--wait'], goingOn(running(1), ...away, done), {}, 400);
    assert.deepEqual([back.code, back.err.includes('unreachable')], [0, false]);
    const gone = await run([...named, '--wait'], goingOn(...minute, trouble()), {}, 400);
    assert.equal(gone.code, 3);
    assert.ok(gone.err.endsWith(`unreachable: No.\n${ways}`), gone.err);
    assert.ok(gone.seconds >= 357 && gone.seconds < 365, String(gone.seconds));
    const refusal: Reply = { trouble: { kind: 'unreachable', code: 'forbidden', detail: 'No.' } };
    const refused = await run([...named, '--wait'], goingOn(running(1), refusal));
    assert.deepEqual([refused.code, refused.asked.length], [3, 3]);
  });

  test('that is not known is named, and no way on shown to what is not there', async () => {
    const unknown: Reply = { trouble: { kind: 'usage', code: 'not_found', detail: 'No.' } };
    const { code, err } = await run(['status', 'r-1', '--wait'], () => unknown);
    assert.deepEqual([code, err], [2, 'not_found: No.\n']);
  });

  test('that does not move for an hour is not waited for any more', async () => {
    const minute = Array.from({ length: 20 }, () => running(0));
    const answer = goingOn(...minute, running(1));
    const { code, err, seconds } = await run([...named, '--wait'], answer, {}, 4_000);
    assert.equal(code, 4);
    assert.match(err, /\nno_progress: The replay has not moved for 60 minutes\.\nSee how far/);
    assert.ok(seconds >= 3_660 && seconds < 3_670, String(seconds));
  });
});
