// What `npm run feed -- set-cursor` looks up, says and asks before it moves a cursor, and how it waits for a run.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { meaningOf } from '../../cli/feed/moveCursor.ts';
import type { FeedReport } from '../../cli/feed/service.ts';
import type { Ended, Reply, SceneOptions } from './appScene.ts';
import { clinic, json, lab, run, service, services, trouble, why } from './feedWords.ts';

const move = (sequence: string, expect: string): readonly string[] => [
  ...['set-cursor', '--service', clinic, '--sequence', sequence, '--expect', expect, ...why],
];
const args = move('12', '57');
const moved = json(service({ cursor: 12, latest: 57, lag: 45, epoch: 2 }));

/** The app shows the service as `report`, and moves its cursor. */
const shown = (report: Partial<FeedReport>): SceneOptions['answer'] => {
  const seen = services(service({ service: lab }), service(report));
  return ({ method }) => (method === 'GET' ? seen : moved);
};
const stands = shown({ cursor: 57, latest: 57 });
const busy: Reply = trouble({ kind: 'busy', code: 'busy' });

test('a move is asked for with what it means, and nothing changes without a yes', async () => {
  const no = await run(args, stands);
  assert.deepEqual([no.code, no.err], [130, 'Nothing was changed.\n']);
  assert.deepEqual(no.asked, [{ method: 'GET', path: 'change-feed' }]);
  assert.match(
    no.questions.join(),
    /^At https:\/\/f, clinic-imaging\.\S+:\n {2}The cursor is to move from 57 to 12\.\n {2}At most 45 changes, 13 to 57:[^]*\nGo on\? \[y\/N\] $/,
  );
  const yes = await run(args, stands, { yes: true });
  assert.deepEqual([yes.code, yes.out], [0, 'The cursor stands at 12 now, in epoch 2; 45 sequences wait.\n']);
  const body = { service: clinic, sequence: 12, expect: 57, reason: 'a drill' };
  assert.deepEqual(yes.asked[1], { method: 'PUT', path: 'change-feed/cursor', body });
});

test('with --yes the app alone judges the move, and nobody is asked', async () => {
  const sure = await run([...args, '--yes'], stands);
  assert.deepEqual([sure.code, sure.questions, sure.asked.length], [0, [], 1]);
  const named = ['set-cursor', '--service', 'clinic-imaging', ...args.slice(3), '--yes'];
  assert.deepEqual((await run(named, shown({ cursor: 58 }))).questions, []);
  const conflict = trouble({ kind: 'failed', code: 'conflict', detail: '58 is.' });
  const { code, err } = await run([...args, '--yes'], () => conflict);
  assert.deepEqual([code, err], [1, 'conflict: 58 is.\n']);
});

describe('before anybody is asked', () => {
  const refused = ({ code, err, questions, asked }: Ended) => [
    code,
    questions,
    asked.length,
    err.split('\n')[0],
  ];

  test('a cursor that is not where it is expected is refused as the app does', async () => {
    assert.deepEqual(refused(await run(args, shown({ cursor: 58, latest: 60 }))), [
      ...[1, [], 1, 'conflict: expect: the committed sequence is not that; 58 is.'],
    ]);
    for (const outcome of ['cursor_lost', 'not_started'] as const)
      assert.deepEqual(refused(await run(args, shown({ outcome, cursor: null, latest: null }))), [
        ...[
          1,
          [],
          1,
          'conflict: expect: the committed sequence is not that; there is no cursor, so none is.',
        ],
      ]);
    assert.equal((await run(move('12', 'none'), stands)).code, 1);
  });

  test('a sequence beyond the newest is refused as the app does', async () => {
    assert.deepEqual(refused(await run(move('58', '57'), stands)), [
      ...[2, [], 1, 'invalid_request: sequence: expected at most 57, the newest of the service.'],
    ]);
    assert.equal((await run(move('57', '57'), stands)).questions.length, 1);
  });

  test('what no report tells is left to the app', async () => {
    const unread = await run(args, shown({ outcome: 'upstream_failed', cursor: null, latest: null }));
    assert.equal(unread.questions.length, 1);
    const unknown = run(args, () => services(service({ service: lab })));
    await assert.rejects(unknown, /^UsageError: --service: expected one of lab-imaging\./);
    assert.equal((await run(args, () => trouble())).code, 3);
  });
});

test('a move of the cursor is told with what it means', () => {
  assert.match(
    meaningOf({ sequence: 12, expect: 57 }, { outcome: 'caught_up', latest: 60 }),
    /from 57 to 12\.\n {2}At most 45 changes, 13 to 57: delivered again\.\n.*a new epoch begins/,
  );
  assert.match(
    meaningOf({ sequence: 1_058, expect: 1_057 }, { outcome: 'caught_up', latest: 60 }),
    /from 1,057 to 1,058\.\n {2}At most 1 change, sequence 1,058: left out, only a replay brings them/,
  );
  assert.match(
    meaningOf({ sequence: 5, expect: 5 }, { outcome: 'caught_up', latest: 60 }),
    /Nothing is delivered again, and nothing left out/,
  );
  assert.match(
    meaningOf({ sequence: 0, expect: null }, { outcome: 'caught_up', latest: 60 }),
    /There is no cursor; .* 0\.\n .* with sequence 1\.$/,
  );
  assert.match(
    meaningOf({ sequence: 9, expect: null }, { outcome: 'caught_up', latest: 60 }),
    / sequence 10\. What is before is left out/,
  );
});

describe('a new epoch', () => {
  test('is announced where the feed was made anew, with the changes of the feed as it is now', () => {
    const anew = (sequence: number, latest: number): string =>
      meaningOf({ sequence, expect: 5_000 }, { outcome: 'feed_reset', latest });
    assert.equal(
      anew(0, 1_007),
      '  The feed was made anew: a new epoch begins, with the cursor at 0.\n' +
        '  At most 1,007 changes of the feed as it is now follow, 1 to 1,007: with new ids, whatever was delivered before.',
    );
    assert.match(
      anew(1_006, 1_007),
      / 1 change .* follows, sequence 1,007: .* before is left out: only a replay/,
    );
    assert.match(
      anew(1_007, 1_007),
      /\n {2}No change .* follows yet; what comes has new ids\. What is before/,
    );
    assert.doesNotMatch(anew(12, 57), /5,000|4,988/);
  });

  test('is announced where the cursor was lost', () => {
    const lost = meaningOf({ sequence: 12, expect: null }, { outcome: 'cursor_lost', latest: null });
    assert.match(
      lost,
      /^ {2}The cursor was lost: a new epoch begins, with the cursor at 12\.\n {2}Every change from/,
    );
    assert.match(lost, / sequence 13 on follows, with new ids, .* only a replay brings it\.$/);
  });
});

describe('while a run holds the cursor', () => {
  const line = 'A run holds the cursor; trying again for up to 60 s.\n';
  const sure = [...args, '--yes'];

  test('the move is tried again until the run is over', async () => {
    const { code, err, asked, seconds } = await run(sure, (_, nth) => (nth < 4 ? busy : moved));
    assert.deepEqual([code, err, asked.length, seconds], [0, line, 4, 9]);
  });

  test('it is given up after a minute', async () => {
    const { code, err, asked, seconds } = await run(sure, () => busy, {}, 100);
    assert.deepEqual([code, err, asked.length, seconds], [4, `${line}busy: No.\n`, 21, 60]);
  });

  test('Ctrl-C ends the waiting, and nothing else is tried again', async () => {
    const stopped = await run(sure, () => busy, { interruptAt: 2 });
    assert.deepEqual([stopped.code, stopped.asked.length], [130, 2]);
    const other = await run(sure, () => trouble({ kind: 'failed', code: 'upstream_failed' }));
    assert.deepEqual([other.code, other.asked.length, other.seconds], [1, 1, 0]);
  });
});
