// What `npm run feed` asks the app for, and what it makes of the answers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../../cli/commandLine.ts';
import type { Reply } from './appScene.ts';
import { clinic, json, lab, redriven, replay, run, service, services, trouble, why } from './feedWords.ts';

describe('status and run', () => {
  test('end with the code of the worst that happened', async () => {
    for (const [outcome, status, pull] of [
      ['caught_up', 0, 0],
      ['holding_gap', 0, 0],
      ['budget', 0, 4],
      ['throttled', 0, 4],
      ['busy', 0, 4],
      ['not_started', 0, 4],
      ['sink_down', 1, 1],
      ['feed_reset', 1, 1],
    ] as const) {
      const answer = (): Reply => services(service(), service({ outcome }));
      assert.equal((await run(['status'], answer)).code, status, outcome);
      assert.equal((await run(['run'], answer)).code, pull, outcome);
    }
    const busy = await run(['run'], () => trouble({ kind: 'busy', code: 'busy' }));
    assert.deepEqual([busy.code, busy.out, busy.err], [4, '', 'busy: No.\n']);
  });

  test('ask their routes, and print the answer as it is where JSON is wanted', async () => {
    const answer = services(service({ delivered: 3 }));
    const pull = await run(['run'], () => answer);
    assert.deepEqual(pull.asked, [{ method: 'POST', path: 'change-feed/runs' }]);
    assert.match(pull.out, /^SERVICE .*\nclinic-imaging.*\n\nclinic-imaging.*: 3 changes delivered\n$/);
    const status = await run(['status', '--json'], () => answer);
    assert.deepEqual(status.asked, [{ method: 'GET', path: 'change-feed' }]);
    assert.equal(status.out, `${JSON.stringify('json' in answer && answer.json)}\n`);
  });

  test('show the service that is asked for, by its URL, its host name or the first part of that', async () => {
    const answer = (): Reply => services(service(), service({ service: lab, outcome: 'failed' }));
    for (const name of [clinic, `${clinic}/`, new URL(clinic).host, 'Clinic-Imaging']) {
      const { code, out } = await run(['status', '--service', name], answer);
      assert.equal(code, 0);
      assert.doesNotMatch(out, /lab-imaging/);
    }
    await assert.rejects(
      run(['status', '--service', 'clinic'], answer),
      new UsageError(`--service: expected one of ${new URL(clinic).host}, ${new URL(lab).host}`),
    );
  });
});

describe('a replay', () => {
  const args = ['replay', '--from', '1', '--to', '9', '--sinks', 'queue', ...why];
  const started = json({ id: 'r-1' });

  test('is started for the service that is named, or for the only one', async () => {
    const { asked, out, err, code } = await run([...args, '--service', `${clinic}/`], () => started);
    const body = { service: clinic, from: 1, to: 9, since: undefined, until: undefined, sinks: ['queue'] };
    assert.deepEqual(asked, [
      { method: 'POST', path: 'change-feed/replays', body: { ...body, reason: 'a drill' } },
    ]);
    assert.deepEqual([code, out], [0, 'r-1\n']);
    assert.match(err, /^The replay goes on in the app\. .*: npm run feed -- status r-1\n$/);
    const only = await run(args, ({ method }) => (method === 'GET' ? services(service()) : started));
    assert.deepEqual(
      only.asked.map(({ path }) => path),
      ['change-feed', 'change-feed/replays'],
    );
    assert.deepEqual(only.asked[1]?.body, asked[0]?.body);
    const two = run(args, () => services(service(), service({ service: lab })));
    await assert.rejects(two, /^UsageError: --service: expected one of clinic-imaging\..*, lab-imaging\./);
  });

  test('prints the answer as it is where JSON is wanted, and what refuses it', async () => {
    const live = await run([...args, '--service', clinic, '--json'], () => started, { live: true });
    assert.deepEqual([live.code, live.out, live.err], [0, '{"id":"r-1"}\n', '']);
    const refused = await run([...args, '--service', clinic], () =>
      trouble({ kind: 'failed', code: 'conflict', requestId: 'q-1' }),
    );
    assert.deepEqual([refused.code, refused.out, refused.err], [1, '', 'conflict: No.\nrequestId: q-1\n']);
  });

  test('is cancelled, and what it has delivered is told', async () => {
    const { code, out, asked } = await run(['cancel', 'r-1'], () => json(replay({ state: 'cancelled' })));
    assert.deepEqual(asked, [{ method: 'DELETE', path: 'change-feed/replays/r-1' }]);
    const told = await run(['cancel', 'r-1', ...why], () => json(replay({ state: 'cancelled' })));
    assert.deepEqual(told.asked[0]?.body, { reason: 'a drill' });
    assert.deepEqual(
      [code, out],
      [...[0, 'Cancelled after 4,500 of 10,000 sequences: 4,321 events delivered.\n']],
    );
  });
});

describe('a redrive', () => {
  const args = ['redrive', ...why];

  test('asks again while time is up and something is taken, for each service by itself', async () => {
    const replies = [
      services(
        redriven({ outcome: 'budget', taken: 500, remaining: 700, refused: 3 }),
        redriven({ service: lab, outcome: 'budget', remaining: 20 }),
      ),
      services(redriven({ outcome: 'budget', taken: 400, remaining: 300, refused: 3 })),
      services(redriven({ taken: 300 })),
      services(redriven({ service: lab, taken: 20 })),
    ];
    const { code, out, err, asked } = await run(args, (_, nth) => replies[nth - 1] ?? assert.fail(), {
      ...{ live: true, answerMs: 1000 },
    });
    assert.equal(code, 0);
    assert.deepEqual(
      asked.map(({ body }) => body),
      [undefined, clinic, clinic, lab].map((which) => ({ service: which, reason: 'a drill' })),
    );
    assert.match(out, /\nclinic-imaging\S+ +done +1,200 +0 +0\nlab-imaging\S+ +done +20 +0 +0\n$/);
    assert.match(err, /… offering again, 0 s; 900 taken so far/);
  });

  test('ends when a call takes nothing, when the app fails, and after twenty calls', async () => {
    const up = (taken: number): Reply => services(redriven({ outcome: 'budget', taken, remaining: 9 }));
    const none = await run(args, (_, nth) => up(nth === 1 ? 1 : 0));
    assert.deepEqual([none.code, none.asked.length], [4, 2]);
    const gone = await run(args, (_, nth) => (nth < 3 ? up(5) : trouble()));
    assert.equal(gone.code, 3);
    assert.match(gone.out, / time was up +10 +0 +9\n$/);
    assert.equal((await run(args, () => up(1))).asked.length, 20);
    const once = await run([...args, '--json'], () => up(1));
    assert.deepEqual([once.code, once.asked.length], [4, 1]);
  });

  test('ends with 1 where something was refused, or nothing could be offered', async () => {
    const refused = services(redriven({ refused: 1, remaining: 1 }));
    assert.equal((await run(args, () => refused)).code, 1);
    const error = { code: 'upstream_failed', message: 'It is down.', advice: 'Mend it.' };
    const stopped = await run(args, () => services(redriven({ outcome: 'stopped', remaining: 4, error })));
    assert.equal(stopped.code, 1);
    assert.match(stopped.out, /stopped: It is down\. Mend it\.\n$/);
  });
});
