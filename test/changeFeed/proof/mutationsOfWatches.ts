// The rules of reading: how crossed holes are watched, how a feed is recognised, and how a range is read again.
import type { Mutations } from './mutations.ts';

export const mutationsOfWatches: readonly Mutations[] = [
  {
    file: 'audit.ts',
    by: {
      kind: 'test',
      file: 'audit.test',
      name: 'the pause between reads doubles from a minute on, and one read follows the end of the watch',
    },
    edits: [
      [
        'the watch of crossed holes',
        'const over = page.requestedAt - hole.crossedAt >= watchMs;',
        'const over = page.requestedAt >= hole.crossedAt;',
      ],
      ['a read after the watch', 'now - crossedAt >= watchMs ||', ''],
      ['growing pauses between reads', 'Math.max(feedAuditFirstMs, readAt - crossedAt)', 'feedAuditFirstMs'],
    ],
  },
  {
    file: 'audit.ts',
    by: {
      kind: 'test',
      file: 'audit.test',
      name: 'reads cover every due hole, none is longer than a page, and no more than asked for',
    },
    edits: [
      ['reads within the watch', '|| now - readAt >= Math.max(feedAuditFirstMs, readAt - crossedAt)', ''],
      ['a bound of audit reads', 'return reads.slice(0, frame.mostReads);', 'return reads;'],
    ],
  },
  {
    file: 'audit.ts',
    by: {
      kind: 'test',
      file: 'audit.test',
      name: 'a read before the end of the watch drops nothing, what it found stays until delivered, the rest remembers it',
    },
    edits: [
      [
        'what an audit found filled',
        'const unread = subtract(hole, read)',
        'const unread = subtract(hole, [page])',
      ],
    ],
  },
  {
    file: 'audit.ts',
    by: {
      kind: 'test',
      file: 'audit.test',
      name: 'what a read shows beside the crossed holes is no late change',
    },
    edits: [
      [
        'late changes only in crossed holes',
        '.filter((sequence) => covers(crossed, sequence));',
        '.filter((sequence) => sequence > 0 || covers(crossed, sequence));',
      ],
    ],
  },
  {
    file: 'reading.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a crash repeats the recorded range with the same changes, and what turned up inside goes the late way',
    },
    edits: [
      ['late ones out of a repeated range', '.filter(({ sequence }) => covers(expected, sequence))', ''],
    ],
  },
  {
    file: 'reading.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'an entry of the recorded range that is gone halts the run, though latest and anchor are as they were',
    },
    edits: [['a whole repeated range', 'if (entries.length !== count(expected)) throw feedReset();', '']],
  },
  {
    file: 'reading.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'of a recorded range no page is asked for that holds nothing to repeat',
    },
    edits: [
      [
        'pages of holes alone not asked for',
        'if (!expected.some((part) => overlap(part, range))) continue;',
        '',
      ],
    ],
  },
  {
    file: 'reading.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'every change reaches every sink in order, range after range',
    },
    edits: [['a bound of a range in pages', 'filled < feedRangePages &&', '']],
  },
  {
    file: 'reading.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'a range ends when its pages are large, and where a jump of the numbers is wider than a scan',
    },
    edits: [
      ['a bound of a range in bytes', 'bytes < feedRangeBytes &&', ''],
      ['a bound of a scan', 'pages.length < feedScanPages &&', ''],
    ],
  },
  {
    file: 'reading.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'old holes are crossed at once, however wide, and a jump of ten thousand costs no range of its own',
    },
    edits: [['empty pages that count little', 'if (page.entries.length > 0) filled += 1;', 'filled += 1;']],
  },
  {
    file: 'reading.ts',
    by: { kind: 'test', file: 'hardDays.test', name: 'what comes before a page that fails is delivered' },
    edits: [['delivery of what came before a failure', 'if (canWait) return undefined;', '']],
  },
  {
    file: 'reading.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'another feed halts the run and moves nothing, also when it has grown past the cursor',
    },
    edits: [
      [
        'the anchor asked for',
        'return wasReset(cursor, newest, page.entries[0]);',
        'return wasReset({ ...cursor, anchor: null }, newest, page.entries[0]);',
      ],
    ],
  },
  {
    file: 'entry.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: 'a feed is another one when it fell behind, lost its anchor or tells it differently',
    },
    edits: [
      ['the time of an anchor', 'found.timestamp === anchor.timestamp &&', ''],
      ['the action of an anchor', 'found.action.toLowerCase() === anchor.action.toLowerCase() &&', ''],
      ['the UIDs of an anchor', '&&\n    found.uidHash === anchor.uidHash', ''],
    ],
  },
];
