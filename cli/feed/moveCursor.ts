// Moves a cursor: says what that means, asks, and tells where it stands then.
import { exitCodes, tell, waitFor, type Around } from '../app/around.ts';
import { figure, figureOf } from '../app/figures.ts';
import type { Answer, Trouble, Troubled } from '../app/call.ts';
import { plain } from '../terminal.ts';
import type { CursorMove } from './options.ts';
import { setCursorCall, type FeedReport } from './service.ts';
import { hostOf } from './show.ts';
import { findReport, findService } from './which.ts';

/** How often the app is asked while a run holds the cursor, and for how long. */
const retryMs = 3_000;
const patienceMs = 60_000;

/** Answers the exit code: 130 where somebody says no. */
export async function moveCursor(move: CursorMove, around: Around, json: boolean): Promise<number> {
  // With `--yes` nobody is told what the move means: only the app judges it.
  const found = await (move.yes ? findService : findReport)(move.service, around);
  if (found.kind === 'trouble') return tell(found, json, around);
  const { service } = found;
  const end = move.yes || !found.report ? undefined : await ask(move, found.report, around, json);
  if (end !== undefined) return end;
  const answer = await put(service, move, around, json);
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const { cursor, epoch, lag } = answer.value;
  const stands = `The cursor stands at ${figure(cursor ?? 0)} now, in epoch ${epoch ?? 0}`;
  around.streams.out(
    json ? `${answer.text}\n` : `${stands}; ${figureOf(lag ?? 0, 'sequence')} wait${lag === 1 ? 's' : ''}.\n`,
  );
  return exitCodes.fine;
}

/** Answers the exit code where the move is not to be made. */
async function ask(
  move: CursorMove,
  report: FeedReport,
  around: Around,
  json: boolean,
): Promise<number | undefined> {
  const refused = refusalOf(move, report);
  if (refused) return tell({ kind: 'trouble', trouble: refused }, json, around);
  const { url, confirm, streams } = around;
  const at = `At ${url}, ${plain(hostOf(report.service))}:`;
  if (await confirm(`${at}\n${meaningOf(move, report)}\nGo on? [y/N] `)) return undefined;
  streams.err('Nothing was changed.\n');
  return exitCodes.interrupted;
}

/** Tries again while a run holds the cursor: most runs are over soon. */
async function put(
  service: string,
  { sequence, expect, reason }: CursorMove,
  around: Around,
  json: boolean,
): Promise<Answer<FeedReport>> {
  const { clock, streams, interrupted } = around;
  const call = setCursorCall({ service, sequence, expect, reason });
  const begun = clock.monotonic();
  let isTold = false;
  for (;;) {
    const answer = await waitFor(call, around, { json, isRun: false });
    const isBusy = answer.kind === 'trouble' && answer.trouble.code === 'busy';
    if (!isBusy || clock.monotonic() - begun + retryMs > patienceMs) return answer;
    if (!isTold) streams.err(`A run holds the cursor; trying again for up to ${patienceMs / 1000} s.\n`);
    isTold = true;
    await clock.sleep(retryMs, interrupted).catch(() => undefined);
    if (interrupted.aborted) return stopped;
  }
}

const stopped: Troubled = {
  kind: 'trouble',
  trouble: { kind: 'interrupted', code: 'interrupted', detail: 'Stopped; the cursor was not moved.' },
};

const advice = 'That is how the last run left it; a new one looks again: npm run feed -- run';

/** What the app would say no to, as far as the last run shows it; undefined where nothing speaks against the move. */
function refusalOf({ sequence, expect }: CursorMove, report: FeedReport): Trouble | undefined {
  const { cursor, latest, outcome } = report;
  // A report that could not be read has no cursor either.
  const isKnown = cursor !== null || outcome === 'cursor_lost' || outcome === 'not_started';
  if (isKnown && expect !== cursor) {
    const stands = cursor === null ? 'there is no cursor, so none' : String(cursor);
    const detail = `expect: the committed sequence is not that; ${stands} is.`;
    return { kind: 'failed', code: 'conflict', detail, advice };
  }
  if (latest === null || sequence <= latest) return undefined;
  const detail = `sequence: expected at most ${latest}, the newest of the service.`;
  return { kind: 'usage', code: 'invalid_request', detail, advice };
}

/** Which changes come again, and which never. */
export function meaningOf(
  { sequence, expect }: Pick<CursorMove, 'sequence' | 'expect'>,
  { outcome, latest }: Pick<FeedReport, 'outcome' | 'latest'>,
): string {
  const to = figure(sequence);
  const next = figure(sequence + 1);
  if (outcome === 'feed_reset' || outcome === 'cursor_lost') {
    const why = outcome === 'feed_reset' ? 'The feed was made anew' : 'The cursor was lost';
    return `  ${why}: a new epoch begins, with the cursor at ${to}.\n  ${following(sequence, latest)}${leftOut(sequence)}`;
  }
  if (expect === null)
    return `  There is no cursor; it is to stand at ${to}.\n  The delivery begins with sequence ${next}.${leftOut(sequence)}`;
  const move = `  The cursor is to move from ${figure(expect)} to ${to}.`;
  return `${move}\n${changesBetween(sequence, expect)}\n${otherFeed}`;
}

/** What a new epoch delivers, in the numbers of the feed as it is now. */
function following(sequence: number, latest: number | null): string {
  const ids = 'with new ids, whatever was delivered before';
  if (latest === null) return `Every change from sequence ${figure(sequence + 1)} on follows, ${ids}.`;
  if (latest === sequence) return `No change of the feed as it is now follows yet; what comes has new ids.`;
  const many = figureOf(latest - sequence, 'change');
  return `At most ${many} of the feed as it is now follow${latest - sequence === 1 ? 's' : ''}, ${rangeOf(sequence + 1, latest)}: ${ids}.`;
}

function leftOut(sequence: number): string {
  return sequence === 0 ? '' : ' What is before is left out: only a replay brings it.';
}

function rangeOf(from: number, to: number): string {
  return from === to ? `sequence ${figure(to)}` : `${figure(from)} to ${figure(to)}`;
}

const otherFeed =
  '  Where the feed was made anew or the cursor was lost, a new epoch begins: what follows has new ids then.';

function changesBetween(sequence: number, expect: number): string {
  if (sequence === expect) return '  Nothing is delivered again, and nothing left out.';
  const [before, after] = sequence < expect ? [sequence, expect] : [expect, sequence];
  const which = `  At most ${figureOf(after - before, 'change')}, ${rangeOf(before + 1, after)}:`;
  return `${which} ${sequence < expect ? 'delivered again' : 'left out, only a replay brings them'}.`;
}
