// The stored replay while a run works on it: its lanes write one after the other, and an operator may cancel it meanwhile.
import { isAppError } from '../platform/errors.ts';
import type { CursorSession } from './cursorStore.ts';
import { FeedStop } from './outcome.ts';
import type { Replay } from './replay.ts';
import type { ReplayStore, StoredReplay } from './replayStore.ts';

export class ReplayDocument {
  readonly #store: ReplayStore;
  readonly #session: CursorSession;
  readonly #cancelled = new AbortController();
  #stored: StoredReplay;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: ReplayStore, session: CursorSession, stored: StoredReplay) {
    this.#store = store;
    this.#session = session;
    this.#stored = stored;
  }

  get replay(): Replay {
    return this.#stored.replay;
  }

  /** Aborts when an operator has cancelled it. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** Throws `FeedStop` (`lost_lease`) when the lease or the document is not ours any more, and storage errors as they are. */
  async update(change: (replay: Replay) => Replay): Promise<Replay> {
    const write = this.#last.then(() => this.#write(change));
    this.#last = write.catch(() => undefined);
    return write;
  }

  async #write(change: (replay: Replay) => Replay): Promise<Replay> {
    this.#cancelled.signal.throwIfAborted();
    this.#session.guard();
    const { etag } = this.#stored;
    const replay = change(this.replay);
    try {
      this.#stored = { replay, etag: await this.#store.write(replay, etag) };
    } catch (error) {
      throw isAppError(error, 'conflict') ? await this.#judge(error) : error;
    }
    return replay;
  }

  async #judge(cause: unknown): Promise<Error> {
    const found = await this.#store.read(this.replay.id);
    if (found?.replay.state !== 'cancelled') return takenOver(cause);
    const why = new Error('the replay was cancelled', { cause });
    this.#cancelled.abort(why);
    return why;
  }
}

function takenOver(cause: unknown): FeedStop {
  return new FeedStop('lost_lease', 'Somebody else changed the replay.', {
    code: 'busy',
    advice: 'Nothing: the next run goes on from what is on record.',
    cause,
  });
}
