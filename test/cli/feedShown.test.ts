// What people read of the change feed at a terminal: tables, bars and the line of progress.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters, styleText } from 'node:util';
import { ago, figureOf, percent, span } from '../../cli/app/figures.ts';
import { bar, Pace, progressLine } from '../../cli/feed/progress.ts';
import { showRedriven, showReplay, showServices } from '../../cli/feed/show.ts';
import type { FeedReport, ReplayReport } from '../../cli/feed/service.ts';
import { lab, redriven, replay, service } from './feedWords.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const plainScreen = { colors: false, columns: undefined };
const widest = (text: string): number => Math.max(...text.split('\n').map(({ length }) => length));

const error = { code: 'upstream_failed', message: 'The webhook answers 503.', advice: 'Mend it.' };
const both = [
  service(),
  service({
    ...{ service: lab, outcome: 'sink_down', time: null, cursor: 7, latest: 1_007, lag: 1_000, error },
    ...{ lagSeconds: 150, holes: { held: 1, crossed: 2 }, deadLetters: 1, queueLength: 12 },
    replays: [
      replay({ service: lab, lastRun: { time: '2026-03-01T11:59:30.000Z', outcome: 'sink_down', error } }),
      replay({
        ...{ id: 'r-0', service: lab, state: 'done', passed: 10_000, endedAt: '2026-03-01T09:00:00.000Z' },
      }),
    ],
  }),
];

describe('the tables', () => {
  const show = (columns?: number, colors = false): string => showServices(both, now, { colors, columns });

  test('have a line for each service and each replay, and what is to be said of them below', () => {
    assert.deepEqual(show().split('\n'), [
      'SERVICE                                       OUTCOME    CURSOR  LATEST            LAG  HELD  CROSSED  DEAD LETTERS  QUEUE  LAST RUN',
      'clinic-imaging.dicom.azurehealthcareapis.com  caught up  12,345  12,345              0     0        0             0      -  1 min ago',
      'lab-imaging.dicom.azurehealthcareapis.com     sink down       7   1,007  1,000 (2 min)     1        2             1     12  -',
      '',
      'lab-imaging.dicom.azurehealthcareapis.com: sink down: The webhook answers 503. Mend it.',
      'lab-imaging.dicom.azurehealthcareapis.com: 1 dead letter: once the receiver is mended, npm run feed -- redrive offers them again.',
      '',
      'REPLAY  SERVICE                                    SEQUENCES    STATE    PROGRESS            EVENTS  STARTED     ENDED',
      'r-1     lab-imaging.dicom.azurehealthcareapis.com  1 to 10,000  running  [████░░░░░░] 45 %    4,321  12 min ago  -',
      'r-0     lab-imaging.dicom.azurehealthcareapis.com  1 to 10,000  done     [██████████] 100 %   4,321  12 min ago  3 h ago',
      '',
      'r-1: sink down: The webhook answers 503. Mend it.',
      '',
    ]);
  });

  test('name the service of a replay only where there are several', () => {
    assert.match(
      showServices([service({ replays: [replay()] })], now, plainScreen),
      /\nREPLAY {2}SEQUENCES {4}STATE/,
    );
  });

  test('name the replays that cannot be read, and what to do', () => {
    const shown = showServices([service({ unreadableReplays: ['r-8', 'r-9'] })], now, plainScreen);
    assert.match(shown, /: replays that cannot be read: r-8, r-9\. Deploy the release that wrote them,/);
  });

  test('know when a lag’s age is not known, and a service without a cursor', () => {
    const { lagSeconds: _, ...unseen } = service({ lag: 3 });
    assert.match(showServices([unseen], now, plainScreen), / 12,345 {2}12,345 {4}3 /);
    const none = service({ cursor: null, latest: null, lag: null, outcome: 'not_started', time: null });
    assert.match(showServices([none], now, plainScreen), / not started +- +- +- +0 +0 +0 +- {2}-\n$/);
  });

  test('are never wider than the terminal', () => {
    const full = widest(show());
    assert.equal(show(full), show());
    assert.match(show(130), /\nclinic-imaging… {2}caught up/);
    for (const columns of [full - 1, 130, 110])
      assert.ok(
        Math.max(
          ...show(columns)
            .split('\n')
            .filter((line) => !line.includes(': '))
            .map(({ length }) => length),
        ) <= columns,
      );
    assert.match(
      show(60),
      /^SERVICE {7}clinic-imaging\.dicom\.azurehealthcareapis\.com\nOUTCOME {7}caught up\n/,
    );
  });

  test('have their colours on a terminal only, and they do not shift the columns', () => {
    const colored = show(undefined, true);
    for (const [color, text] of [
      ['green', 'caught up'],
      ['red', 'sink down'],
      ['cyan', 'running'],
    ] as const)
      assert.ok(colored.includes(styleText(color, text, { validateStream: false })), text);
    assert.equal(stripVTControlCharacters(colored), show());
  });

  test('do not let an answer steer the terminal', () => {
    const sly = replay({
      id: 'r\u001b[2J',
      lastRun: { time: '', outcome: 'failed', error: { ...error, message: 'a\u0007b' } },
    });
    const shown =
      showServices([service({ replays: [sly] })], now, plainScreen) + showReplay(sly, now, plainScreen);
    assert.doesNotMatch(shown, /[^\P{Cc}\n]/u);
  });
});

test('a run says what it has delivered, where it has', () => {
  const show = (...reports: FeedReport[]): string =>
    showServices(reports, now, plainScreen, { ran: true })
      .split('\n')
      .slice(reports.length + 1)
      .join('\n');
  assert.equal(show(service()), '');
  const ran = service({
    ...{ service: lab, outcome: 'sink_down', error },
    ...{ delivered: 1_200, late: 2, repeated: 30, fallbacks: 1 },
  });
  assert.equal(
    show(service({ delivered: 1 }), ran),
    '\nclinic-imaging.dicom.azurehealthcareapis.com: 1 change delivered\n' +
      'lab-imaging.dicom.azurehealthcareapis.com: 1,200 changes delivered, 2 of them late, 30 again after a break, 1 without metadata that could not be read\n' +
      'lab-imaging.dicom.azurehealthcareapis.com: sink down: The webhook answers 503. Mend it.\n',
  );
  assert.doesNotMatch(showServices([ran], now, plainScreen), /1,200/);
});

test('one replay is shown line by line', () => {
  const lastRun = { time: '2026-03-01T11:59:30.000Z', outcome: 'sink_down', error } as const;
  assert.deepEqual(showReplay(replay({ lastRun }), now, plainScreen).split('\n'), [
    'REPLAY     r-1',
    'SERVICE    clinic-imaging.dicom.azurehealthcareapis.com',
    'SEQUENCES  1 to 10,000',
    'STATE      running',
    'PROGRESS   [████░░░░░░] 45 %',
    'EVENTS     4,321',
    'STARTED    12 min ago',
    'ENDED      -',
    'SINKS      blob, queue',
    'LAST RUN   sink down, <1 min ago',
    'sink down: The webhook answers 503. Mend it.',
    '',
  ]);
});

test('what a replay met is told while it runs and when it has failed, and is no news of one that is over', () => {
  const lastRun = { time: '2026-03-01T11:59:30.000Z', outcome: 'sink_down', error } as const;
  const isTold = (state: ReplayReport['state']): boolean =>
    showReplay(replay({ state, lastRun }), now, plainScreen).includes('Mend it.');
  assert.deepEqual((['running', 'failed', 'done', 'cancelled'] as const).map(isTold), [
    true,
    true,
    false,
    false,
  ]);
});

test('a redrive is told service by service', () => {
  const shown = showRedriven(
    [
      redriven({ taken: 1_500 }),
      redriven({ service: lab, outcome: 'stopped', refused: 2, remaining: 9, error }),
    ],
    plainScreen,
  );
  assert.deepEqual(shown.split('\n'), [
    'SERVICE                                       OUTCOME  TAKEN  REFUSED  REMAINING',
    'clinic-imaging.dicom.azurehealthcareapis.com  done     1,500        0          0',
    'lab-imaging.dicom.azurehealthcareapis.com     stopped      0        2          9',
    '',
    'lab-imaging.dicom.azurehealthcareapis.com: stopped: The webhook answers 503. Mend it.',
    '',
  ]);
});

describe('progress', () => {
  test('is drawn as far as it is, and full only at the end', () => {
    const drawn = (passed: number, total: number): string => bar({ passed, total }, 4);
    assert.deepEqual(
      [drawn(0, 9), drawn(5, 9), drawn(9_999, 10_000), drawn(9, 9)],
      ['[░░░░] 0 %', '[██░░] 55 %', '[███░] 99 %', '[████] 100 %'],
    );
  });

  /** What is known after these reports: seconds, sequences and events. */
  function paceOf(...seen: readonly (readonly [number, number, number])[]): Pace {
    const pace = new Pace();
    for (const [second, passed, delivered] of seen)
      pace.add({ passed, delivered, total: 10_000 }, second * 1000);
    return pace;
  }

  test('tells the rate and the time left by the last minutes, once they can be told', () => {
    assert.equal(paceOf([0, 100, 90]).measured(), undefined);
    assert.equal(paceOf([0, 100, 90], [9, 500, 400]).measured(), undefined);
    assert.equal(paceOf([0, 100, 90], [60, 100, 90]).measured(), undefined);
    assert.deepEqual(paceOf([0, 0, 0], [60, 6_000, 3_000]).measured(), {
      ...{ eventsPerSecond: 50, leftMs: 40_000 },
    });
    // What was six minutes ago does not count any more.
    assert.deepEqual(paceOf([0, 0, 0], [360, 4_000, 4_000], [420, 7_000, 4_600]).measured(), {
      ...{ eventsPerSecond: 10, leftMs: 60_000 },
    });
  });

  test('is one line that leaves out what a narrow terminal has no room for', () => {
    const pace = paceOf([0, 3_900, 3_900], [60, 4_500, 4_321]);
    const line = (columns?: number): string => progressLine(replay(), pace, columns);
    assert.equal(
      line(100),
      '[██████████░░░░░░░░░░░░░░] 45 %  9 min left  4,321 events, 7/s  4,500 of 10,000 sequences',
    );
    assert.equal(line(), '[██████████░░░░░░░░░░░░░░] 45 %  9 min left  4,321 events, 7/s');
    for (const columns of [79, 60, 45, 36, 20]) assert.ok(line(columns).length < columns, line(columns));
    assert.match(progressLine(replay(), paceOf([0, 0, 0], [60, 9, 9]), 100), / 4,321 events, 9\/min /);
    assert.match(progressLine(replay(), paceOf([0, 0, 0], [60, 9, 0]), 100), / 4,321 events {2}/);
  });
});

test('figures are told in one way', () => {
  assert.deepEqual([0, 59_999, 60_000, 3_599_999, 3_600_000, 172_799_999, 172_800_000].map(span), [
    ...['<1 min', '<1 min', '1 min', '59 min', '1 h', '47 h', '2 d'],
  ]);
  assert.equal(ago('2026-03-01T08:59:00Z', now), '3 h ago');
  assert.deepEqual(
    [figureOf(1, 'event'), figureOf(0, 'event'), figureOf(1_234_567, 'event')],
    [...['1 event', '0 events', '1,234,567 events']],
  );
  assert.deepEqual([percent(0, 0), percent(1, 3), percent(999, 1_000)], ['100 %', '33 %', '99 %']);
});
