// What people read of service clients: a table of where they stand, and what a run does or did for each.
import type { Outcome, RotationReport } from '../../src/rotation/report.ts';
import { painted, type Color, type Terminal } from '../terminal.ts';

export type Screen = Pick<Terminal, 'colors' | 'columns'>;

const outcomeColors: Readonly<Record<Outcome, Color>> = {
  ...{ noop: 'green', adopted: 'green', rotated: 'green', revoked: 'green', cleaned: 'green' },
  ...{ planned: 'cyan', waiting: 'yellow', busy: 'yellow', not_started: 'gray' },
  ...{ refused: 'red', failed: 'red' },
};

const outcomeWords: Readonly<Partial<Record<Outcome, string>>> = {
  noop: 'nothing to do',
  not_started: 'not started',
};

interface Column {
  readonly title: string;
  readonly of: (report: RotationReport, now: number) => string;
  readonly color?: (report: RotationReport) => Color;
}

const unknown = '-';
const gap = '  ';
const dayMs = 86_400_000;

const columns: readonly Column[] = [
  { title: 'APP ID', of: ({ appId }) => appId },
  { title: 'SECRET', of: ({ secretName }) => secretName },
  {
    title: 'OUTCOME',
    of: ({ outcome }) => wordOf(outcome),
    color: ({ outcome }) => outcomeColors[outcome],
  },
  { title: 'EXPIRES', of: (report, now) => daysLeft(report, now) },
  { title: 'OWNED', of: ({ counts }) => String(counts?.owned ?? unknown) },
  { title: 'ORPHAN', of: ({ counts }) => String(counts?.orphan ?? unknown) },
  { title: 'FOREIGN', of: ({ counts }) => String(counts?.foreign ?? unknown) },
  {
    title: 'LAST RUN',
    of: ({ time }, now) => (time === undefined ? unknown : `${span(now - Date.parse(time))} ago`),
  },
  { title: 'NEXT ROTATION', of: ({ nextRotation }) => nextRotation?.slice(0, 10) ?? unknown },
];

type Rows = readonly (readonly string[])[];

/** A table; where the terminal is narrower with the first digits of the app ids, or else as a block for each client. */
export function showStatus(clients: readonly RotationReport[], now: number, screen: Screen): string {
  const rows = clients.map((report) => columns.map(({ of }) => plain(of(report, now))));
  const short = rows.map(([appId = '', ...rest]) => [`${appId.slice(0, 8)}…`, ...rest]);
  const fitting = [rows, short].find((some) => lengthOf(widthsOf(some)) <= (screen.columns ?? Infinity));
  const notes = clients.flatMap((report) =>
    notesOf(report, screen).map((note) => `${plain(report.secretName)}: ${note}`),
  );
  return [
    fitting ? tableOf(clients, fitting, screen) : blocksOf(clients, rows, screen),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
  ].join('\n');
}

function widthsOf(rows: Rows): readonly number[] {
  return columns.map(({ title }, at) => widest([title, ...rows.map((row) => row[at] ?? '')]));
}

function lengthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + gap.length + width, -gap.length);
}

function tableOf(clients: readonly RotationReport[], rows: Rows, screen: Screen): string {
  const widths = widthsOf(rows);
  const line = (cells: readonly string[], colorAt: (at: number) => Color | undefined): string =>
    cells
      .map((cell, at) => {
        const isLast = at === cells.length - 1;
        return painted(colorAt(at), isLast ? cell : cell.padEnd(widths[at] ?? 0), screen);
      })
      .join(gap);
  const lines = clients.map((report, row) => line(rows[row] ?? [], (at) => columns[at]?.color?.(report)));
  const titles = columns.map(({ title }) => title);
  return [line(titles, () => 'bold'), ...lines].join('\n');
}

function blocksOf(clients: readonly RotationReport[], rows: Rows, screen: Screen): string {
  const width = widest(columns.map(({ title }) => title));
  const blocks = clients.map((report, row) =>
    columns
      .map(({ title, color }, at) => {
        return `${title.padEnd(width)}${gap}${painted(color?.(report), rows[row]?.[at] ?? '', screen)}`;
      })
      .join('\n'),
  );
  return blocks.join('\n\n');
}

/** What a run did for each client, or would do. */
export function showRun(clients: readonly RotationReport[], screen: Screen): string {
  const some = clients.map((report) => {
    const { appId, secretName, outcome, plan, durations } = report;
    const word = painted(outcomeColors[outcome], wordOf(outcome), screen);
    const total = durations['total'];
    const time = total === undefined ? '' : ` (${(total / 1000).toFixed(1)} s)`;
    return [
      `${plain(secretName)} of ${plain(appId)}: ${word}${time}`,
      ...plan.map(({ text }) => `  - ${plain(text)}`),
      ...idsOf(report).map((line) => `  ${line}`),
      ...notesOf(report, screen).map((note) => `  ${note}`),
    ].join('\n');
  });
  const counts = Map.groupBy(clients, ({ outcome }) => outcome);
  const summary = [...counts].map(([outcome, { length }]) => `${length} ${wordOf(outcome)}`).join(', ');
  return `${some.join('\n')}\n${clients.length > 1 ? `${summary}\n` : ''}`;
}

function idsOf({ newKeyId, versionId, verifyAttempts }: RotationReport): readonly string[] {
  if (newKeyId === undefined) return [];
  const version = versionId === undefined ? '' : `, version ${plain(versionId)} of the secret`;
  return [`new key id ${plain(newKeyId)}${version}, proven with ${verifyAttempts} token requests`];
}

function notesOf({ warnings, error }: RotationReport, screen: Screen): readonly string[] {
  return [
    ...warnings.map((text) => `${painted('yellow', 'warning', screen)}: ${plain(text)}`),
    ...(error === undefined
      ? []
      : [`${painted('red', plain(error.code), screen)}: ${plain(error.message)} ${plain(error.advice)}`]),
  ];
}

function wordOf(outcome: Outcome): string {
  return outcomeWords[outcome] ?? outcome;
}

/** The report counts from its own time: one that is weeks old must not make the secret look weeks younger. */
function daysLeft({ daysToExpiry, time }: RotationReport, now: number): string {
  if (daysToExpiry === undefined || time === undefined) return unknown;
  const since = (now - Date.parse(time)) / dayMs;
  return `${(Math.floor((daysToExpiry - since) * 10) / 10).toFixed(1)} d`;
}

/** In the largest unit that is passed, as in `5 min`. */
function span(ms: number): string {
  if (ms < 60_000) return '<1 min';
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return ms < 2 * dayMs ? `${Math.floor(ms / 3_600_000)} h` : `${Math.floor(ms / dayMs)} d`;
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(({ length }) => length));
}

/** An answer must not steer the terminal that it is shown on. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
