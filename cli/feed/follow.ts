// Waits for the end of a replay, and shows meanwhile how far it is.
import { exitCodes, tell, type Around } from '../app/around.ts';
import type { Troubled } from '../app/call.ts';
import { clearLine, redrawn } from '../terminal.ts';
import { Pace, progressLine } from './progress.ts';
import { replayCall, type ReplayReport } from './service.ts';
import { endingText, showReplay } from './show.ts';

/** How often the app is asked, and how long it may fail to answer: deployments and restarts pass within minutes. */
const pollMs = 3_000;
const patienceMs = 5 * 60_000;
/** Nobody is told of progress more often where the lines stay. */
const lineMs = 60_000;
/** A replay that stands still for so long is not waited for any more. */
const stuckMs = 60 * 60_000;

/** Whether a replay came to its end; one that runs may still. */
export function replayCode({ state }: ReplayReport): number {
  return state === 'failed' || state === 'cancelled' ? exitCodes.failed : exitCodes.fine;
}

/** Answers the exit code: 4 after an hour without progress, and that of the trouble where the app does not answer. */
export async function followReplay(id: string, around: Around, json: boolean): Promise<number> {
  const { clock, streams, terminal } = around;
  const display = createDisplay(around, json);
  const call = { ...replayCall(id), interruption: { detail: goesOn } };
  let answered = clock.monotonic();
  let moved = { passed: -1, at: answered };
  for (;;) {
    const answer = await around.call(call);
    const now = clock.monotonic();
    if (answer.kind === 'answer') {
      const replay = answer.value;
      if (replay.state !== 'running') {
        display.close();
        streams.out(json ? `${answer.text}\n` : showReplay(replay, clock.now(), terminal));
        return replayCode(replay);
      }
      if (replay.passed !== moved.passed) moved = { passed: replay.passed, at: now };
      display.show(replay);
      answered = now;
    }
    const end = endOf(answer.kind === 'answer' ? undefined : answer, {
      silentMs: now - answered,
      stillMs: now - moved.at,
    });
    const trouble = end ?? (await pause(around));
    if (trouble) {
      display.close();
      const isThere = trouble.trouble.code !== 'not_found';
      return tell(isThere ? withWayOn(trouble, id) : trouble, json, around);
    }
  }
}

/** Why it is not waited for any longer, where it is not. */
function endOf(
  found: Troubled | undefined,
  { silentMs, stillMs }: { readonly silentMs: number; readonly stillMs: number },
): Troubled | undefined {
  if (found && (!found.trouble.passes || silentMs >= patienceMs)) return found;
  if (stillMs < stuckMs) return undefined;
  const detail = `The replay has not moved for ${stuckMs / 60_000} minutes.`;
  return { kind: 'trouble', trouble: { kind: 'busy', code: 'no_progress', detail } };
}

async function pause({ clock, interrupted }: Around): Promise<Troubled | undefined> {
  const wasInterrupted = await clock.sleep(pollMs, interrupted).then(
    () => false,
    () => true,
  );
  return wasInterrupted ? interruption : undefined;
}

const goesOn = 'Nobody waits any more; the replay itself goes on.';

const interruption: Troubled = {
  kind: 'trouble',
  trouble: { kind: 'interrupted', code: 'interrupted', detail: goesOn },
};

function withWayOn(troubled: Troubled, id: string): Troubled {
  const { trouble } = troubled;
  const ways = `See how far it is: npm run feed -- status ${id}\nEnd it: npm run feed -- cancel ${id}`;
  const advice = trouble.advice === undefined ? ways : `${trouble.advice}\n${ways}`;
  return { ...troubled, trouble: { ...trouble, advice } };
}

interface Display {
  show(replay: ReplayReport): void;
  /** Takes back what stands in the last line. */
  close(): void;
}

function createDisplay({ clock, streams, terminal }: Around, json: boolean): Display {
  const pace = new Pace();
  let lineAt = clock.monotonic();
  let told: string | undefined;
  if (json) return { show: () => undefined, close: () => undefined };
  const clear = terminal.live ? clearLine : '';
  return {
    show(replay) {
      const now = clock.monotonic();
      pace.add(replay, now);
      const [text] = replay.lastRun === undefined ? [] : endingText(replay.lastRun, terminal);
      if (text !== told && text !== undefined) streams.err(`${clear}${text}\n`);
      told = text;
      const line = progressLine(replay, pace, terminal.columns);
      if (terminal.live) streams.err(redrawn(line, terminal));
      else if (now - lineAt >= lineMs) {
        streams.err(`${line}\n`);
        lineAt = now;
      }
    },
    close() {
      streams.err(clear);
    },
  };
}
