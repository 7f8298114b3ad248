// Works on one replay for a part of a run: two lanes, each slice after slice, under the lease of the live cursor.
import { isoTime } from '../platform/clock.ts';
import { feedPageMax, feedReplayLanes, feedScanPages } from '../platform/limits.ts';
import type { Log } from '../platform/log.ts';
import type { CursorSession } from './cursorStore.ts';
import type { Frame } from './dicomChangeFeed.ts';
import { endedBy } from './ending.ts';
import type { Reading } from './cursor.ts';
import type { FeedEntry } from './entry.ts';
import { FeedStop, isFine, type FeedOutcome } from './outcome.ts';
import { Pull, type PullParts } from './pull.ts';
import { feedReset, isOtherFeed } from './reading.ts';
import {
  cursorOf,
  ended,
  isFinished,
  laneAfter,
  reportOfReplay,
  take,
  withLane,
  type Lane,
  type Replay,
} from './replay.ts';
import { ReplayDocument } from './replayDocument.ts';
import type { ReplayStore, StoredReplay } from './replayStore.ts';
import type { Ending } from './report.ts';
import type { SinkName } from './sink.ts';

export interface ReplayParts extends PullParts {
  readonly replays: ReplayStore;
}

interface RunParts extends ReplayParts {
  /** The sink that the live cursor waits for: what goes there waits as well. */
  readonly down: SinkName | undefined;
}

/**
 * Never throws: what ended the work stands in the replay's `lastRun`, and in the log. Of one that was cancelled meanwhile
 * nothing more is said.
 */
export async function workOnReplay(
  parts: RunParts,
  session: CursorSession,
  stored: StoredReplay,
  frame: Frame,
  log: Log,
): Promise<void> {
  const { host } = new URL(parts.service);
  const document = new ReplayDocument(parts.replays, session, stored);
  let ending: Ending;
  try {
    ending = { outcome: await new ReplayRun(parts, session, document, frame).run() };
  } catch (error) {
    if (document.cancelled.aborted) return;
    ending = endedBy(error, { host, frame, log, session });
  }
  try {
    await document.update((replay) => afterRun(replay, ending, parts.clock.now(), session));
  } catch (error) {
    if (document.cancelled.aborted) return;
    ending = endedBy(error, { host, frame, log, session });
  }
  const { id, state, passed, total, delivered } = reportOfReplay(document.replay);
  const { outcome, error } = ending;
  log[isFine(outcome) ? 'info' : 'error']('feed_replayed', {
    ...{ service: host, replay: id, state, outcome, passed, total, delivered },
    ...{ problem: error?.message, advice: error?.advice },
  });
}

function afterRun(replay: Replay, ending: Ending, now: number, { stored }: CursorSession): Replay {
  const time = isoTime(now);
  const next = { ...replay, lastRun: { time, ...ending } };
  if (replay.epoch !== stored.cursor.epoch) return ended(next, 'failed', time);
  return isFinished(replay) ? ended(next, 'done', time) : next;
}

class ReplayRun {
  readonly #parts: PullParts;
  readonly #down: SinkName | undefined;
  readonly #session: CursorSession;
  readonly #document: ReplayDocument;
  readonly #frame: Frame;
  /** What went wrong first; the other lane goes on as far as it can. */
  #failure: { readonly error: unknown } | undefined;

  constructor({ down, ...parts }: RunParts, session: CursorSession, document: ReplayDocument, frame: Frame) {
    const { id, sinks } = document.replay;
    this.#down = down;
    this.#parts = { ...parts, replay: id, sinks: parts.sinks.filter(({ name }) => sinks.includes(name)) };
    this.#session = session;
    this.#document = document;
    this.#frame = frame;
  }

  async run(): Promise<FeedOutcome> {
    const { replay } = this.#document;
    const { cursor } = this.#session.stored;
    if (replay.epoch !== cursor.epoch) throw madeAnew();
    if (this.#parts.sinks.length < replay.sinks.length) throw sinkGone();
    if (this.#parts.sinks.some(({ name }) => name === this.#down)) throw waits(this.#down);
    const { reader } = this.#parts;
    const { entry: newest } = await reader.latest(this.#frame);
    if (!newest || (await isOtherFeed(reader, cursor, newest.sequence, this.#frame))) throw feedReset();
    const hands = Array.from({ length: feedReplayLanes }, (_, at) => this.#hand(replay.lanes[at], newest));
    const outcomes = await Promise.all(hands);
    if (this.#failure) throw this.#failure.error;
    return outcomes.find((outcome) => outcome !== 'caught_up') ?? 'caught_up';
  }

  async #hand(first: Lane | undefined, newest: FeedEntry): Promise<FeedOutcome> {
    try {
      let lane = first ?? (await this.#next((replay) => replay));
      while (lane) {
        const { outcome, after } = await this.#pass(lane, newest);
        if (outcome !== 'caught_up') return outcome;
        lane = await this.#next((replay) => withLane(replay, after), after.reading);
      }
      return 'caught_up';
    } catch (error) {
      this.#failure ??= { error };
      return 'failed';
    }
  }

  /** The slice that follows, after `change`; one write records both. */
  async #next(change: (replay: Replay) => Replay, reading?: Reading): Promise<Lane | undefined> {
    let from = 0;
    const { lanes } = await this.#document.update((replay) => {
      from = replay.next;
      return take(change(replay), reading);
    });
    return lanes.find((lane) => lane.from === from);
  }

  async #pass(lane: Lane, newest: FeedEntry): Promise<{ outcome: FeedOutcome; after: Lane }> {
    const after = (): Lane => laneAfter(lane, pull.cursor, pull.tally.delivered);
    const save = (): Promise<unknown> => this.#document.update((replay) => withLane(replay, after()));
    const pull = new Pull(this.#parts, this.#sessionOf(lane, save), this.#frame);
    let outcome: FeedOutcome;
    try {
      outcome = await pull.pass(lane.to, await this.#neighbour(lane.to, newest));
    } catch (error) {
      await save();
      throw error;
    }
    if (outcome !== 'caught_up') await save();
    return { outcome, after: after() };
  }

  #sessionOf(lane: Lane, save: () => Promise<unknown>): CursorSession {
    const { cancelled, replay } = this.#document;
    return {
      stored: { cursor: cursorOf(lane, replay.epoch), report: null },
      lost: AbortSignal.any([this.#session.lost, cancelled]),
      guard: () => {
        cancelled.throwIfAborted();
        this.#session.guard();
      },
      save: async () => {
        await save();
      },
      close: () => Promise.resolve(),
    };
  }

  /**
   * The first entry at or behind the end of a slice: the newest one may always be too young to vouch for a hole there. Looks
   * no further than a jump of the numbers reaches, in pages as long as can be: they are short without metadata.
   */
  async #neighbour(end: number, newest: FeedEntry): Promise<FeedEntry> {
    let from = end;
    for (let pages = 0; pages < feedScanPages && from < newest.sequence; pages += 1) {
      const range = { from, to: from + feedPageMax - 1 };
      const [entry] = (await this.#parts.reader.page(range, { metadata: false }, this.#frame)).entries;
      if (entry) return entry;
      from = range.to + 1;
    }
    return newest;
  }
}

function madeAnew(): FeedStop {
  return new FeedStop('feed_reset', 'The cursor has another epoch since: the range means nothing in it.', {
    code: 'conflict',
    advice: 'Start another replay, with sequences of the feed as it is now.',
  });
}

function waits(sink: SinkName | undefined): FeedStop {
  return new FeedStop('sink_down', `It waits for the live cursor, whose ${sink} sink is down.`, {
    advice: 'The report of the service says what to do. Replays that leave this sink out go on.',
  });
}

function sinkGone(): FeedStop {
  return new FeedStop('misconfigured', 'A sink of the replay is not configured any more.', {
    code: 'misconfigured',
    advice: 'Name it in CHANGE_FEED_SINKS again, or cancel the replay.',
  });
}
