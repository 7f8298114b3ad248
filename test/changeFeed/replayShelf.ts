// The replays of one service in memory, each written only over the version that was read.
import { newReplay, take, type Replay } from '../../src/changeFeed/replay.ts';
import type { ReplayStore, StoredReplay } from '../../src/changeFeed/replayStore.ts';
import { AppError } from '../../src/platform/errors.ts';

export class ReplayShelf {
  /** Names of documents that cannot be read. */
  readonly unreadable: string[] = [];
  /** By id, as JSON: nothing may depend on object identity. */
  readonly #documents = new Map<string, { readonly text: string; readonly etag: string }>();
  #writes = 0;

  /** `step` is called before and after each write; it throws where the process is to die. */
  store(step: () => void = () => undefined): ReplayStore {
    const put = (replay: Replay): string => {
      this.#writes += 1;
      const etag = String(this.#writes);
      this.#documents.set(replay.id, { text: JSON.stringify(replay), etag });
      step();
      return etag;
    };
    const refuse = (): never => {
      throw new AppError('conflict', 'The state was changed by another run.');
    };
    return {
      list: async () => ({ readable: this.all, unreadable: this.unreadable }),
      read: async (id) => this.all.find(({ replay }) => replay.id === id),
      create: async (replay) => {
        step();
        if (this.#documents.has(replay.id)) refuse();
        put(replay);
      },
      write: async (replay, etag) => {
        step();
        return this.#documents.get(replay.id)?.etag === etag ? put(replay) : refuse();
      },
      remove: async (id) => void this.#documents.delete(id),
    };
  }

  /** Oldest first. */
  get all(): StoredReplay[] {
    return [...this.#documents.entries()]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, { text, etag }]) => ({ replay: JSON.parse(text) as Replay, etag }));
  }
}

/** One that is under way and has something in every field. */
export function fullReplay(service: string): Replay {
  const id = '20260301T120102000-0f8c2a6d';
  const startedAt = '2026-03-01T12:01:02.000Z';
  const fresh = take(
    newReplay({ id, service, epoch: 3, from: 1, to: 9, sinks: ['blob', 'queue'], startedAt }),
  );
  const pending = {
    from: 1,
    to: 4,
    holes: [{ from: 2, to: 2 }],
    late: false,
    accepted: ['blob' as const],
    through: 3,
  };
  const failure = { sink: 'queue' as const, count: 2, notBefore: 4 };
  const reading = { pageSize: 7, suspects: [3], witness: 1 };
  const lanes = fresh.lanes.map((lane) => ({
    ...lane,
    pending,
    failure,
    reading,
    refusals: 2,
    delivered: 5,
  }));
  const error = { code: 'upstream_failed', message: 'what', advice: 'do' };
  const lastRun = { time: startedAt, outcome: 'sink_down' as const, error };
  return { ...fresh, lanes, lastRun };
}
