// One run over one service: finish what is pending, audit, then range after range until the newest entry.
import type { Clock } from '../platform/clock.ts';
import { feedAuditPages, feedReserveMs } from '../platform/limits.ts';
import type { MetadataChoice } from '../platform/settings/types.ts';
import { Ahead } from './ahead.ts';
import { afterRead, dueReads, lateIn } from './audit.ts';
import { commit, planRange, type Cursor, type Pending } from './cursor.ts';
import type { CursorSession } from './cursorStore.ts';
import type { DeadLetters } from './deadLetters.ts';
import {
  afterFailure,
  afterProgress,
  afterSuccess,
  deliverTo,
  progressOf,
  respectPause,
  sinksToAsk,
} from './delivering.ts';
import type { ChangeFeedReader, Frame } from './dicomChangeFeed.ts';
import { timestampMs, type FeedEntry } from './entry.ts';
import { toEvents } from './events.ts';
import { offerBatch } from './offering.ts';
import { FeedStop, type FeedOutcome } from './outcome.ts';
import { Pages } from './pages.ts';
import { feedReset, isOtherFeed, reread, scan } from './reading.ts';
import { carriedLag, emptyTally, type Tally } from './report.ts';
import { isRequestSink, type Batch, type Delivery, type RequestSink, type Sink } from './sink.ts';

export interface PullRules {
  readonly pageSize: number;
  readonly settleMs: number;
  readonly auditMs: number;
  readonly metadata: MetadataChoice;
}

export interface PullParts {
  /** URL of the service. */
  readonly service: string;
  readonly rules: PullRules;
  readonly reader: ChangeFeedReader;
  readonly sinks: readonly Sink[];
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  /** The replay that this is a part of. */
  readonly replay?: string;
}

export class Pull {
  readonly tally: Tally = emptyTally();
  readonly #parts: PullParts;
  readonly #session: CursorSession;
  readonly #pages: Pages;
  readonly #frame: Frame;
  #cursor: Cursor;
  /** The service's clock as last heard, milliseconds. */
  #time = 0;

  constructor(parts: PullParts, session: CursorSession, frame: Frame) {
    this.#parts = parts;
    this.#session = session;
    this.#cursor = session.stored.cursor;
    this.tally.lagSeconds = carriedLag(session.stored.report, this.#cursor.committed, parts.clock.now());
    this.#frame = { ...frame, signal: AbortSignal.any([frame.signal, session.lost]) };
    const { reader, rules } = parts;
    const metadata = rules.metadata.kind !== 'none';
    const { reading: learnt } = this.#cursor;
    this.#pages = new Pages({ reader, pageSize: rules.pageSize, metadata, frame: this.#frame, learnt });
  }

  /** The cursor as it is to be saved: it may be ahead of what is stored, never behind what is delivered. */
  get cursor(): Cursor {
    return { ...this.#cursor, reading: this.#pages.learnt };
  }

  /** Throws what ended it early: `FeedStop`, another error, or the signal's reason. */
  async run(): Promise<FeedOutcome> {
    const latest = await this.#parts.reader.latest(this.#frame);
    this.#time = latest.time;
    this.tally.latest = latest.entry?.sequence ?? 0;
    await this.#refuseOtherFeed(this.tally.latest);
    await this.#finishPending();
    await this.#audit();
    return latest.entry ? this.#ranges(latest.entry.sequence, latest.entry) : 'caught_up';
  }

  /**
   * Goes on to the sequence `to` of a feed that is known to be the cursor's, without watching what it passes. `neighbour` is
   * an entry at or behind `to`. Throws as `run` does.
   */
  async pass(to: number, neighbour: FeedEntry): Promise<FeedOutcome> {
    await this.#finishPending();
    return this.#ranges(to, neighbour);
  }

  async #refuseOtherFeed(newest: number): Promise<void> {
    if (await isOtherFeed(this.#parts.reader, this.#cursor, newest, this.#frame)) throw feedReset();
  }

  async #finishPending(): Promise<void> {
    const { pending } = this.#cursor;
    if (!pending) return;
    respectPause(this.#parts.sinks, this.#cursor, this.#parts.clock.now());
    const entries = await reread(pending, this.#pages);
    await this.#deliver(pending, entries);
    this.tally.repeated += entries.length;
  }

  async #audit(): Promise<void> {
    const { auditMs: watchMs } = this.#parts.rules;
    const frame = { now: this.#time, watchMs, pageSize: this.#pages.size, mostReads: feedAuditPages };
    for (const range of dueReads(this.#cursor.crossed, frame)) {
      if (this.#frame.remainingMs() < feedReserveMs) return;
      const page = await this.#parts.reader.page(range, { metadata: false }, this.#frame);
      for (const sequence of lateIn(this.#cursor.crossed, page)) await this.#deliverLate(sequence);
      this.#cursor = { ...this.#cursor, crossed: afterRead(this.#cursor.crossed, page, watchMs) };
    }
  }

  async #deliverLate(sequence: number): Promise<void> {
    const place = { from: sequence, to: sequence };
    const pending: Pending = { ...place, holes: [], late: true, accepted: [] };
    const entries = await reread(pending, this.#pages);
    await this.#record(pending);
    await this.#deliver(pending, entries);
  }

  async #ranges(to: number, neighbour: FeedEntry): Promise<FeedOutcome> {
    const waiting = { from: this.#cursor.committed + 1, to };
    const ahead = new Ahead(this.#pages, waiting, this.#frame);
    try {
      return await this.#rangesOf(ahead, to, neighbour);
    } finally {
      await ahead.close();
    }
  }

  async #rangesOf(ahead: Ahead, to: number, neighbour: FeedEntry): Promise<FeedOutcome> {
    while (this.#cursor.committed < to) {
      if (this.#frame.remainingMs() < feedReserveMs) return 'budget';
      if (await this.#range(ahead, neighbour)) return 'holding_gap';
    }
    return 'caught_up';
  }

  /**
   * True when a hole holds up what follows. A call for each range: what a loop has read would stay in memory while it reads
   * the next one.
   */
  async #range(ahead: Ahead, neighbour: FeedEntry): Promise<boolean> {
    const found = await scan(ahead, neighbour, this.#frame);
    this.#time = Math.max(this.#time, ...found.pages.map(({ repliedAt }) => repliedAt));
    const plan = planRange(this.#cursor, found, this.#parts.rules.settleMs);
    this.#cursor = { ...this.#cursor, holes: plan.holes };
    const end = plan.pending?.to ?? this.#cursor.committed;
    const next = found.pages.flatMap(({ entries }) => entries).find(({ sequence }) => sequence > end);
    if (!plan.pending) {
      this.#noteLag(next);
      return true;
    }
    await this.#record(plan.pending);
    await this.#deliver(plan.pending, plan.entries);
    this.#noteLag(next);
    return plan.holes[0]?.from === end + 1;
  }

  /** Nothing is sent before the range is on record: a crash must repeat it with the same sequences. */
  async #record(pending: Pending): Promise<void> {
    this.#cursor = { ...this.#cursor, pending };
    await this.#session.save({ cursor: this.cursor, report: this.#session.stored.report });
  }

  /** Leaves the commit to the next write, which records the next range with it. */
  async #deliver(pending: Pending, entries: readonly FeedEntry[]): Promise<void> {
    if (!pending.late) this.#noteLag(entries[0]);
    const sinks = entries.length === 0 ? [] : sinksToAsk(this.#parts.sinks, this.#cursor);
    const batch = this.#batchOf(pending, entries);
    for (const sink of sinks) await this.#deliverTo(sink, batch);
    this.#cursor = commit(this.#cursor, entries, this.#time);
    this.#pages.delivered(pending);
    this.tally.delivered += entries.length;
    this.tally.fallbacks += entries.filter(({ metadataError }) => metadataError !== undefined).length;
    if (pending.late) this.tally.late += entries.length;
    // What follows is not seen yet: it is hardly older than what was just delivered.
    else this.#noteLag(entries.at(-1));
  }

  #batchOf({ from, to, late }: Pending, entries: readonly FeedEntry[]): Batch {
    const { service, rules, replay } = this.#parts;
    const { epoch } = this.#cursor;
    const events = toEvents(entries, { service, epoch, late, metadata: rules.metadata });
    return { host: new URL(service).host, epoch, from, to, late, replay, events };
  }

  async #deliverTo(sink: Sink, batch: Batch): Promise<void> {
    const delivery = { signal: this.#frame.signal, guard: this.#session.guard };
    try {
      if (isRequestSink(sink)) await this.#offerTo(sink, batch, delivery);
      else await deliverTo(sink, batch, delivery);
    } catch (error) {
      if (error instanceof FeedStop && error.outcome === 'sink_down') {
        this.#cursor = afterFailure(this.#cursor, sink.name, this.#parts.clock.now(), error);
      }
      throw error;
    }
    this.#cursor = afterSuccess(this.#cursor, sink.name);
  }

  #offerTo(sink: RequestSink, batch: Batch, delivery: Delivery): Promise<void> {
    const { deadLetters, clock } = this.#parts;
    return offerBatch(sink, batch, {
      ...delivery,
      remainingMs: this.#frame.remainingMs,
      progress: progressOf(this.#cursor),
      note: (progress) => {
        this.#cursor = afterProgress(this.#cursor, progress);
      },
      bury: (refusal) => deadLetters.put(sink.name, refusal, { ...batch, now: clock.now() }),
    });
  }

  #noteLag(waiting: FeedEntry | undefined): void {
    if (!waiting) return;
    this.tally.lagSeconds = Math.max(0, Math.floor((this.#time - timestampMs(waiting)) / 1000));
  }
}
