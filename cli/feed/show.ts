// What people read of the change feed: where each service stands, and its replays.
import { isFine, type FeedOutcome } from '../../src/changeFeed/outcome.ts';
import { ago, figure, figureOf, span } from '../app/figures.ts';
import { showBlock, showTable, unknown, type Column, type Screen } from '../app/table.ts';
import { painted, plain, type Color } from '../terminal.ts';
import { bar } from './progress.ts';
import type { RedriveReport, ReplayReport, FeedReport } from './service.ts';

/** What stands for a service: its URL is the same but for the name. */
export function hostOf(service: string): string {
  return URL.parse(service)?.host ?? service;
}

function nameOf(service: string): string {
  return `${hostOf(service).split('.')[0] ?? ''}…`;
}

interface OfService {
  readonly service: string;
}

const serviceColumn: Column<OfService> = {
  title: 'SERVICE',
  of: ({ service }) => hostOf(service),
  short: ({ service }) => nameOf(service),
};

function colorOf(outcome: FeedOutcome): Color {
  if (outcome === 'caught_up') return 'green';
  if (outcome === 'not_started') return 'gray';
  return isFine(outcome) ? 'yellow' : 'red';
}

function wordsOf(code: string): string {
  return code.replaceAll('_', ' ');
}

const number = (
  title: string,
  of: (report: FeedReport) => number | null | undefined,
  colorAbove0?: Color,
): Column<FeedReport> => ({
  title,
  of: (report) => {
    const value = of(report);
    return value === null || value === undefined ? unknown : figure(value);
  },
  align: 'right',
  color: (report) => ((of(report) ?? 0) > 0 ? colorAbove0 : undefined),
});

const serviceColumns = (now: number): readonly Column<FeedReport>[] => [
  serviceColumn,
  {
    title: 'OUTCOME',
    of: ({ outcome }) => wordsOf(outcome),
    color: ({ outcome }) => colorOf(outcome),
  },
  number('CURSOR', ({ cursor }) => cursor),
  number('LATEST', ({ latest }) => latest),
  { title: 'LAG', of: lagOf, align: 'right' },
  number('HELD', ({ holes }) => holes.held, 'yellow'),
  number('CROSSED', ({ holes }) => holes.crossed),
  number('DEAD LETTERS', ({ deadLetters }) => deadLetters, 'yellow'),
  number('QUEUE', ({ queueLength }) => queueLength),
  { title: 'LAST RUN', of: ({ time }) => (time === null ? unknown : ago(time, now)) },
];

function lagOf({ lag, lagSeconds }: FeedReport): string {
  if (lag === null) return unknown;
  return lag === 0 || lagSeconds === undefined ? figure(lag) : `${figure(lag)} (${span(lagSeconds * 1000)})`;
}

const replayColumns = (now: number, ofSeveral: boolean): readonly Column<ReplayReport>[] => [
  { title: 'REPLAY', of: ({ id }) => id },
  ...(ofSeveral ? [serviceColumn] : []),
  { title: 'SEQUENCES', of: ({ from, to }) => `${figure(from)} to ${figure(to)}` },
  { title: 'STATE', of: ({ state }) => state, color: ({ state }) => stateColors[state] },
  { title: 'PROGRESS', of: (replay) => bar(replay, 10) },
  { title: 'EVENTS', of: ({ delivered }) => figure(delivered), align: 'right' },
  { title: 'STARTED', of: ({ startedAt }) => ago(startedAt, now) },
  { title: 'ENDED', of: ({ endedAt }) => (endedAt === undefined ? unknown : ago(endedAt, now)) },
];

/** What there is no room for in a table of many. */
const moreColumns = (now: number): readonly Column<ReplayReport>[] => [
  { title: 'SINKS', of: ({ sinks }) => sinks.join(', ') },
  {
    title: 'LAST RUN',
    of: ({ lastRun }) =>
      lastRun === undefined ? unknown : `${wordsOf(lastRun.outcome)}, ${ago(lastRun.time, now)}`,
    color: ({ lastRun }) => lastRun && colorOf(lastRun.outcome),
  },
];

const stateColors: Readonly<Record<ReplayReport['state'], Color>> = {
  ...{ running: 'cyan', done: 'green', cancelled: 'yellow', failed: 'red' },
};

/** Tables of the services and of their replays, each with what is to be said of its rows below it. */
export function showServices(
  services: readonly FeedReport[],
  now: number,
  screen: Screen,
  { ran } = { ran: false },
): string {
  const replays = services.flatMap((report) => report.replays);
  const columns = replayColumns(now, services.length > 1);
  const notes = services.flatMap((report) => [
    ...(ran ? deliveredBy(report) : []),
    ...notesOf(report, screen),
  ]);
  const replaysNotes = replays.flatMap((replay) =>
    replayNotes(replay, screen).map((note) => `${plain(replay.id)}: ${note}`),
  );
  return [
    showTable(serviceColumns(now), services, screen),
    ...below(notes),
    ...(replays.length === 0 ? [] : ['', showTable(columns, replays, screen)]),
    ...below(replaysNotes),
    '',
  ].join('\n');
}

function below(notes: readonly string[]): readonly string[] {
  return notes.length === 0 ? [] : ['', ...notes];
}

function notesOf(report: FeedReport, screen: Screen): readonly string[] {
  const { service, deadLetters, unreadableReplays: unreadable = [] } = report;
  const notes = [
    ...endingText(report, screen),
    ...(deadLetters === null || deadLetters === 0
      ? []
      : [
          `${figureOf(deadLetters, 'dead letter')}: once the receiver is mended, npm run feed -- redrive offers them again.`,
        ]),
    ...(unreadable.length === 0
      ? []
      : [
          `replays that cannot be read: ${unreadable.map(plain).join(', ')}. Deploy the release that wrote them, or delete their documents.`,
        ]),
  ];
  return notes.map((note) => `${plain(hostOf(service))}: ${note}`);
}

/** How a run ended and what mends it, in one line; none where nothing was in its way. The code only tells whose fault it is. */
export function endingText(
  { outcome, error }: Pick<FeedReport, 'outcome' | 'error'>,
  screen: Screen,
): readonly string[] {
  return error === undefined ? [] : [errorText(wordsOf(outcome), colorOf(outcome), error, screen)];
}

function errorText(
  words: string,
  color: Color,
  { message, advice }: NonNullable<FeedReport['error']>,
  screen: Screen,
): string {
  return `${painted(color, words, screen)}: ${plain(message)} ${plain(advice)}`;
}

/** What its last run met, as long as that matters. */
function replayNotes({ state, lastRun }: ReplayReport, screen: Screen): readonly string[] {
  const isOver = state === 'done' || state === 'cancelled';
  return isOver || lastRun === undefined ? [] : endingText(lastRun, screen);
}

/** One replay, with all that is known of it. */
export function showReplay(replay: ReplayReport, now: number, screen: Screen): string {
  const notes = replayNotes(replay, screen);
  const columns = [...replayColumns(now, true), ...moreColumns(now)];
  return `${[showBlock(columns, replay, screen), ...notes].join('\n')}\n`;
}

/** What a run has delivered, where it has. */
function deliveredBy({ service, delivered, late, repeated, fallbacks }: FeedReport): readonly string[] {
  if (delivered === 0) return [];
  const parts = [
    `${figureOf(delivered, 'change')} delivered`,
    ...(late > 0 ? [`${figure(late)} of them late`] : []),
    ...(repeated > 0 ? [`${figure(repeated)} again after a break`] : []),
    ...(fallbacks > 0 ? [`${figure(fallbacks)} without metadata that could not be read`] : []),
  ];
  return [`${plain(hostOf(service))}: ${parts.join(', ')}`];
}

const redriveColors = { done: 'green', budget: 'yellow', stopped: 'red' } as const;
const redriveWords = { done: 'done', budget: 'time was up', stopped: 'stopped' } as const;

const redriveColumns: readonly Column<RedriveReport>[] = [
  serviceColumn,
  {
    title: 'OUTCOME',
    of: ({ outcome }) => redriveWords[outcome],
    color: ({ outcome }) => redriveColors[outcome],
  },
  { title: 'TAKEN', of: ({ taken }) => figure(taken), align: 'right' },
  {
    title: 'REFUSED',
    of: ({ refused }) => figure(refused),
    color: ({ refused }) => (refused > 0 ? 'yellow' : undefined),
    align: 'right',
  },
  { title: 'REMAINING', of: ({ remaining }) => figure(remaining), align: 'right' },
];

export function showRedriven(services: readonly RedriveReport[], screen: Screen): string {
  const notes = services.flatMap(({ service, outcome, error }) => {
    if (error === undefined) return [];
    const text = errorText(redriveWords[outcome], redriveColors[outcome], error, screen);
    return [`${plain(hostOf(service))}: ${text}`];
  });
  return [showTable(redriveColumns, services, screen), ...below(notes), ''].join('\n');
}
