// What people read of service clients: a table of where they stand, and what a run does or did for each.
import type { Outcome, RotationReport } from '../../src/rotation/report.ts';
import { ago } from '../app/figures.ts';
import { showTable, unknown, type Column, type Screen } from '../app/table.ts';
import { painted, plain, type Color } from '../terminal.ts';

const outcomeColors: Readonly<Record<Outcome, Color>> = {
  ...{ noop: 'green', adopted: 'green', rotated: 'green', revoked: 'green', cleaned: 'green' },
  ...{ planned: 'cyan', waiting: 'yellow', busy: 'yellow', not_started: 'gray' },
  ...{ refused: 'red', failed: 'red' },
};

const outcomeWords: Readonly<Partial<Record<Outcome, string>>> = {
  noop: 'nothing to do',
  not_started: 'not started',
};

const dayMs = 86_400_000;

const columnsAt = (now: number): readonly Column<RotationReport>[] => [
  { title: 'APP ID', of: ({ appId }) => appId, short: ({ appId }) => `${appId.slice(0, 8)}…` },
  { title: 'SECRET', of: ({ secretName }) => secretName },
  {
    title: 'OUTCOME',
    of: ({ outcome }) => wordOf(outcome),
    color: ({ outcome }) => outcomeColors[outcome],
  },
  { title: 'EXPIRES', of: (report) => daysLeft(report, now) },
  { title: 'OWNED', of: ({ counts }) => String(counts?.owned ?? unknown) },
  { title: 'ORPHAN', of: ({ counts }) => String(counts?.orphan ?? unknown) },
  { title: 'FOREIGN', of: ({ counts }) => String(counts?.foreign ?? unknown) },
  { title: 'LAST RUN', of: ({ time }) => (time === undefined ? unknown : ago(time, now)) },
  { title: 'NEXT ROTATION', of: ({ nextRotation }) => nextRotation?.slice(0, 10) ?? unknown },
];

/** A table; where the terminal is narrower with the first digits of the app ids, or else as a block for each client. */
export function showStatus(clients: readonly RotationReport[], now: number, screen: Screen): string {
  const notes = clients.flatMap((report) =>
    notesOf(report, screen).map((note) => `${plain(report.secretName)}: ${note}`),
  );
  return [showTable(columnsAt(now), clients, screen), ...(notes.length === 0 ? [] : ['', ...notes]), ''].join(
    '\n',
  );
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
