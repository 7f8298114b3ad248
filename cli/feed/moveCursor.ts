// Moves a cursor: says what that means, asks, and tells where it stands then.
import { exitCodes, tell, waitFor, type Around } from '../app/around.ts';
import { figure, figureOf } from '../app/figures.ts';
import { plain } from '../terminal.ts';
import type { CursorMove } from './options.ts';
import { setCursorCall } from './service.ts';
import { hostOf } from './show.ts';
import { findService } from './which.ts';

/** Answers the exit code: 130 where somebody says no. */
export async function moveCursor(move: CursorMove, around: Around, json: boolean): Promise<number> {
  const found = await findService(move.service, around);
  if (found.kind === 'trouble') return tell(found, json, around);
  const { service } = found;
  const { streams, confirm, url } = around;
  const question = `At ${url}, ${plain(hostOf(service))}:\n${meaningOf(move)}\nGo on? [y/N] `;
  if (!move.yes && !(await confirm(question))) {
    streams.err('Nothing was changed.\n');
    return exitCodes.interrupted;
  }
  const { sequence, expect, reason } = move;
  const call = setCursorCall({ service, sequence, expect, reason });
  const answer = await waitFor(call, around, { json, isRun: false });
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const { cursor, epoch, lag } = answer.value;
  const stands = `The cursor stands at ${figure(cursor ?? 0)} now, in epoch ${epoch ?? 0}`;
  streams.out(
    json ? `${answer.text}\n` : `${stands}; ${figureOf(lag ?? 0, 'sequence')} wait${lag === 1 ? 's' : ''}.\n`,
  );
  return exitCodes.fine;
}

/** Which changes come again, and which never. */
export function meaningOf({ sequence, expect }: Pick<CursorMove, 'sequence' | 'expect'>): string {
  const to = figure(sequence);
  const next = figure(sequence + 1);
  if (expect === null) {
    const left = sequence === 0 ? '' : ` What is before is left out: only a replay brings it.`;
    return `  There is no cursor; it is to stand at ${to}.\n  The delivery begins with sequence ${next}.${left}`;
  }
  const move = `  The cursor is to move from ${figure(expect)} to ${to}.`;
  return `${move}\n${changesBetween(sequence, expect)}\n${otherFeed}`;
}

const otherFeed =
  '  Where the feed was made anew or the cursor was lost, a new epoch begins: what follows has new ids then.';

function changesBetween(sequence: number, expect: number): string {
  if (sequence === expect) return '  Nothing is delivered again, and nothing left out.';
  const [before, after] = sequence < expect ? [sequence, expect] : [expect, sequence];
  const many = after - before;
  const which = `  At most ${figureOf(many, 'change')}, ${many === 1 ? 'sequence' : `${figure(before + 1)} to`} ${figure(after)}:`;
  return `${which} ${sequence < expect ? 'delivered again' : 'left out, only a replay brings them'}.`;
}
