// The rules of a run: in which order it works, and what it keeps on record.
import type { Mutations } from './mutations.ts';

export const mutationsOfRuns: readonly Mutations[] = [
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'another feed halts the run and moves nothing, also when it has grown past the cursor',
    },
    edits: [['the reset check', 'await this.#refuseOtherFeed(this.tally.latest);', '']],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'pages.test',
      name: 'a recorded range is fetched in as many pages as needed, and delivered as it was recorded',
    },
    edits: [
      [
        'the pending range first',
        '    await this.#finishPending();\n    await this.#audit();',
        '    await this.#audit();',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a change that turns up in a crossed hole is delivered late, once, and the hole leaves',
    },
    edits: [
      ['the audit', '    await this.#audit();\n', ''],
      [
        'the late way of what is late',
        'holes: [], late: true, accepted: []',
        'holes: [], late: false, accepted: []',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'a webhook that is down for hours holds the cursor, and the other sinks get nothing twice',
    },
    edits: [
      [
        'the pause after a failure',
        'respectPause(this.#parts.sinks, this.#cursor, this.#parts.clock.now());',
        '',
      ],
      [
        'a failure that is remembered',
        'this.#cursor = afterFailure(this.#cursor, sink.name, this.#parts.clock.now(), error);',
        '',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: { kind: 'model', name: 'a lease runs out', rule: 'what is sent is on record' },
    edits: [
      [
        'pending before delivery',
        'await this.#record(plan.pending);',
        'this.#cursor = { ...this.#cursor, pending: plan.pending };',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'kills',
      name: 'a start at the newest change, with one below that has not committed',
      rule: 'what is sent is on record',
    },
    edits: [
      [
        'pending before a late delivery',
        'await this.#record(pending);',
        'this.#cursor = { ...this.#cursor, pending };',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'poison.test',
      name: 'a range that was recorded before its metadata broke is repeated whole, and so is a change that came late',
    },
    edits: [
      [
        'metadata of a late change',
        'const entries = await reread(pending, this.#pages);\n    await this.#record',
        'const entries = (await this.#parts.reader.page(place, { metadata: false }, this.#frame)).entries;\n    await this.#record',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'a range that takes the time of several runs is no failure of the webhook',
    },
    edits: [
      [
        'only a sink that is down to blame',
        "if (error instanceof FeedStop && error.outcome === 'sink_down') {",
        'if (error instanceof FeedStop) {',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a sink that is down stops the cursor; the other keeps what it took and is not asked again',
    },
    edits: [['a success that is remembered', 'this.#cursor = afterSuccess(this.#cursor, sink.name);', '']],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'a receiver that refuses the one change of each run is broken after ten of them',
    },
    edits: [
      [
        'progress that is remembered',
        'this.#cursor = afterProgress(this.#cursor, progress);',
        'void progress;',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'a young hole before pages that are fetched already holds up everything behind it',
    },
    edits: [
      [
        'the end at a young hole',
        "if (await this.#range(ahead, neighbour)) return 'holding_gap';",
        'await this.#range(ahead, neighbour);',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'a run whose time is up ends between two ranges, and the next one goes on',
    },
    edits: [['time left for a range', "if (this.#frame.remainingMs() < feedReserveMs) return 'budget';", '']],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a crossed hole is watched until a read asked for after the watch finds it empty',
    },
    edits: [
      [
        "the service's clock in a commit",
        'this.#cursor = commit(this.#cursor, entries, this.#time);',
        'this.#cursor = commit(this.#cursor, entries, 0);',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a lease that is lost in the middle of a send stops it, and no sink is blamed',
    },
    edits: [
      [
        'the end of requests of a lost lease',
        'AbortSignal.any([frame.signal, session.lost])',
        'AbortSignal.any([frame.signal])',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'poison.test',
      name: 'the one change whose metadata fails its page is delivered without it by the second run, all others with it',
    },
    edits: [['suspicions that end with the delivery', 'this.#pages.delivered(pending);', '']],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'pages.test',
      name: 'a page that is too much is halved down to one; two silences in a row end the run, and the next one begins smaller',
    },
    edits: [
      [
        'what is learnt kept with the cursor',
        'return { ...this.#cursor, reading: this.#pages.learnt };',
        'return this.#cursor;',
      ],
    ],
  },
];
