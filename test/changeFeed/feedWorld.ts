// A change feed, a cursor store and sinks in memory, with a clock of their own and a crash at any of their calls.
import type { Cursor } from '../../src/changeFeed/cursor.ts';
import type { DeadLetters } from '../../src/changeFeed/deadLetters.ts';
import type { CursorStore, StoredCursor } from '../../src/changeFeed/cursorStore.ts';
import type { Frame } from '../../src/changeFeed/dicomChangeFeed.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { newCursor } from '../../src/changeFeed/cursor.ts';
import { pullService, type ServiceParts } from '../../src/changeFeed/service.ts';
import type { FeedReport } from '../../src/changeFeed/report.ts';
import { padded, type Batch, type Sink, type SinkName } from '../../src/changeFeed/sink.ts';
import type { Log } from '../../src/platform/log.ts';
import { FeedService } from './feedService.ts';
import { ReplayShelf } from './replayShelf.ts';

export { entryOf, startTime } from './feedService.ts';

export const service = 'https://feed.dicom.azurehealthcareapis.com';
export const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Thrown where the process is to die; from then on nothing of the run reaches the store or a sink. */
class Crash extends Error {}

export interface WorldOptions {
  readonly pageSize?: number;
  readonly settleMs?: number;
  readonly auditMs?: number;
  readonly sinks?: readonly SinkName[];
  /** Whether deliveries are to have metadata. */
  readonly metadata?: boolean;
}

export class FeedWorld extends FeedService {
  /** Every batch each sink took, repetitions included. */
  readonly taken = new Map<SinkName, Batch[]>();
  readonly down = new Set<SinkName>();
  /** Sequences that the webhook refuses for good, and what it was asked, in order. */
  readonly refused = new Set<number>();
  /** Requests that the webhook answers before it goes down. */
  webhookTakes = Number.POSITIVE_INFINITY;
  /** How long it asks to wait while it is down, seconds. */
  webhookPause: number | undefined;
  readonly offers: { readonly ids: readonly string[]; readonly late: boolean; readonly taken: boolean }[] =
    [];
  /** Keys of the dead letters, each with the status it was refused with. */
  readonly letters = new Map<string, number>();
  stored: StoredCursor | undefined = {
    cursor: newCursor({ committed: 0, anchor: null, crossed: [] }, 1),
    report: null,
  };
  writes = 0;
  readonly shelf = new ReplayShelf();
  /** Called before a sink takes a range: it may take its time. */
  onDeliver: () => void = () => undefined;
  /** Aborts when the lease is lost. */
  readonly lease = new AbortController();
  /** Counts who has the cursor: another run takes it over from one that still believes to have it. */
  #holder = 0;
  /** Calls to store and sinks until the process dies; undefined for never. */
  #fuse: number | undefined;
  readonly #options: Required<WorldOptions>;

  constructor({
    pageSize = 3,
    settleMs = 60_000,
    auditMs = 3_600_000,
    sinks = ['blob', 'queue'],
    metadata = false,
  }: WorldOptions = {}) {
    super();
    this.#options = { pageSize, settleMs, auditMs, sinks, metadata };
    for (const sink of sinks) this.taken.set(sink, []);
  }

  /** The events that a sink holds under create-once names, in the order in which each was first taken. */
  heldBy(sink: SinkName): { readonly id: string; readonly late: boolean }[] {
    const blobs = new Map<string, Batch>();
    for (const batch of this.taken.get(sink) ?? []) {
      const name = `${batch.epoch}/${batch.late}/${batch.from}-${batch.to}`;
      if (!blobs.has(name)) blobs.set(name, batch);
    }
    return [...blobs.values()].flatMap(({ events, late }) => events.map(({ id }) => ({ id, late })));
  }

  /** One run; `dieAt` counts calls to the store and the sinks, half of them before and half after their effect. */
  async pull(dieAt?: number): Promise<FeedReport> {
    this.#fuse = dieAt;
    const controller = new AbortController();
    const frame: Frame = { signal: controller.signal, remainingMs: () => 60_000 };
    return pullService(this.parts(), frame, quiet);
  }

  parts(): ServiceParts {
    const { pageSize, settleMs, auditMs, sinks, metadata } = this.#options;
    return {
      service,
      start: { kind: 'beginning' },
      rules: { pageSize, settleMs, auditMs, metadata: { kind: metadata ? 'full' : 'none' } },
      clock: {
        now: () => this.time,
        monotonic: () => this.time,
        sleep: () => Promise.reject(new Error('no waiting')),
      },
      reader: this.reader(),
      store: this.#store(),
      deadLetters: this.#deadLetters(),
      replays: this.shelf.store(() => {
        this.#step();
      }),
      sinks: sinks.map((name) => this.#sink(name)),
    };
  }

  #step(): void {
    if (this.#fuse === undefined) return;
    if (this.#fuse <= 0) throw new Crash('the process died');
    this.#fuse -= 1;
  }

  #store(): CursorStore {
    const write = (next: StoredCursor): Promise<void> => {
      this.#step();
      // Through JSON, as the real one: nothing may depend on object identity.
      this.stored = JSON.parse(JSON.stringify(next)) as StoredCursor;
      this.writes += 1;
      this.#step();
      return Promise.resolve();
    };
    return {
      find: () => Promise.resolve(this.stored ? { kind: 'present', ...this.stored } : { kind: 'absent' }),
      open: () => {
        if (!this.stored) return Promise.resolve({ kind: 'absent' });
        const mine = (this.#holder += 1);
        const guard = (): void => {
          this.#step();
          if (mine !== this.#holder) throw new FeedStop('lost_lease', 'taken over', { advice: '' });
        };
        const session = {
          ...{ stored: this.stored, lost: this.lease.signal, guard },
          save: async (next: StoredCursor) => {
            if (mine !== this.#holder) throw new FeedStop('lost_lease', 'taken over', { advice: '' });
            await write(next);
          },
          close: () => Promise.resolve(),
        };
        return Promise.resolve({ kind: 'open', session });
      },
      create: async (next) => write(next),
    };
  }

  #deadLetters(): DeadLetters {
    return {
      put: async (sink, { event, status }, { epoch }) => {
        this.#step();
        const key = `${sink}/${epoch}-${padded(event.data.sequenceNumber)}`;
        if (!this.letters.has(key)) this.letters.set(key, status);
        this.#step();
      },
      keys: async (sink) => [...this.letters.keys()].filter((key) => key.startsWith(`${sink}/`)).sort(),
      read: () => Promise.reject(new Error('nobody reads a letter here')),
      remove: () => Promise.reject(new Error('nobody removes a letter here')),
      count: async () => this.letters.size,
    };
  }

  /** Takes events two a request, but none that is in `refused`. */
  #webhook(): Sink {
    return {
      name: 'webhook',
      portions: (events) =>
        Array.from({ length: Math.ceil(events.length / 2) }, (_, n) => events.slice(2 * n, 2 * n + 2)),
      offer: async (events, { guard }) => {
        guard();
        this.#step();
        const bad = events.find(({ data }) => this.refused.has(data.sequenceNumber));
        const down = this.down.has('webhook') || this.offers.length >= this.webhookTakes;
        const late = events.some((event) => event.late);
        this.offers.push({ ids: events.map(({ id }) => id), late, taken: !bad && !down });
        const pause = this.webhookPause;
        if (down)
          throw new FeedStop('sink_down', 'down', {
            advice: '',
            ...(pause === undefined ? {} : { retryAfterSeconds: pause }),
          });
        this.#step();
        return bad ? { kind: 'refused', status: 422 } : { kind: 'taken' };
      },
    };
  }

  #sink(name: SinkName): Sink {
    if (name === 'webhook') return this.#webhook();
    return {
      name,
      deliver: async (batch, { guard }) => {
        guard();
        this.#step();
        this.onDeliver();
        if (this.down.has(name)) throw new Error(`${name} is down`);
        this.taken.get(name)?.push(batch);
        this.#step();
      },
    };
  }
}

export function cursorOf(world: FeedWorld): Cursor {
  if (!world.stored) throw new FeedStop('failed', 'no cursor', { advice: '' });
  return world.stored.cursor;
}
