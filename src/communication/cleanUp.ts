// The timer's work: finishes what killed processes and failed calls left in the outbox.
import { eachAtOnce } from '../platform/concurrency.ts';
import { AppError, isAppError } from '../platform/errors.ts';
import {
  acsRetryAfterSeconds,
  cleanUpBackoffMs,
  cleanUpMaxBackoffMs,
  cleanUpParallel,
  cleanUpStopMs,
} from '../platform/limits.ts';
import { describeError, type Log } from '../platform/log.ts';
import { settle, settleStray, type Done, type Settler } from './settle.ts';
import type { Entry } from './store.ts';
import { subjectOf } from './subject.ts';

/** Counts of one run; never ids. */
export interface CleanUpReport {
  /** Entries of the outbox that were due. */
  readonly examined: number;
  readonly revoked: number;
  readonly deleted: number;
  /** Claims whose owner died: nobody knows whether an identity was created. */
  readonly possibleOrphans: number;
  readonly forgotten: number;
  /** Entries that failed and are tried again later. */
  readonly failed: number;
  /** Of these, owed to another ACS resource than the configured one. */
  readonly otherResource: number;
  /** Entries that this release cannot read. */
  readonly unreadable: number;
  /** False when time ran out, also for waiting until ACS or the store takes more: the next run goes on. */
  readonly finished: boolean;
}

export interface CleanUpRun {
  readonly log: Log;
  readonly signal: AbortSignal;
  remainingMs(): number;
}

class CleanUp {
  readonly #settler: Settler;
  readonly #run: CleanUpRun;
  readonly #counts = { examined: 0, failed: 0, otherResource: 0, unreadable: 0 };
  readonly #done: Record<Done, number> = { revoked: 0, deleted: 0, expired: 0, forgotten: 0 };
  #stopped = false;

  constructor(settler: Settler, run: CleanUpRun) {
    this.#settler = settler;
    this.#run = run;
  }

  async run(): Promise<CleanUpReport> {
    const entries = this.#settler.directory.outbox.due(this.#run.signal);
    const hands = Array.from({ length: cleanUpParallel }, () => entries);
    await eachAtOnce(hands, cleanUpParallel, (shared) => this.#work(shared));
    const { expired, ...done } = this.#done;
    return { ...this.#counts, ...done, possibleOrphans: expired, finished: !this.#stopped };
  }

  /** An async generator queues the calls of `next`, so several workers may share it. */
  async #work(entries: ReturnType<Settler['directory']['outbox']['due']>): Promise<void> {
    for (;;) {
      const next = await entries.next();
      if (next.done === true) return;
      if (this.#run.signal.aborted || this.#run.remainingMs() < cleanUpStopMs) this.#stopped = true;
      if (this.#stopped) return;
      this.#counts.examined += 1;
      const { entry, now } = next.value;
      if (entry) await this.#settle(entry, now);
      else this.#counts.unreadable += 1;
    }
  }

  async #settle(entry: Entry, now: number): Promise<void> {
    const { log, signal } = this.#run;
    const done = (what: Done): number => (this.#done[what] += 1);
    const settling = { log, signal, done, priority: 'ordinary' } as const;
    try {
      if (entry.stray) await settleStray(this.#settler, entry, settling);
      else await settle(this.#settler, entry.rowKey, settling, entry);
    } catch (error) {
      if (await this.#waited(error)) await this.#settle(entry, now);
      else await this.#fail(entry, now, error);
    }
  }

  /** Waits out a throttling where the run has time for it: more may be owed than ACS takes in many windows. */
  async #waited(error: unknown): Promise<boolean> {
    if (!isAppError(error, 'upstream_throttled')) return false;
    const waitMs = 1000 * (error.retryAfterSeconds ?? acsRetryAfterSeconds);
    if (this.#run.remainingMs() < waitMs + cleanUpStopMs) {
      this.#stopped = true;
      return false;
    }
    // A run that ends meanwhile is noticed by what is tried next.
    await this.#settler.directory.clock.sleep(waitMs, this.#run.signal).catch(() => undefined);
    return true;
  }

  async #fail(entry: Entry, now: number, error: unknown): Promise<void> {
    this.#counts.failed += 1;
    if (isAppError(error, 'identity_of_other_resource')) this.#counts.otherResource += 1;
    const attempts = entry.attempts + 1;
    this.#run.log.warn('clean_up_failed', {
      ...{ subject: subjectOf(entry.rowKey), attempts },
      ...describeError(error),
    });
    const backoffMs = Math.min(cleanUpMaxBackoffMs, cleanUpBackoffMs * 2 ** entry.attempts);
    try {
      await this.#settler.directory.outbox.postpone(entry, now + backoffMs, attempts);
    } catch (notPutOff) {
      this.#run.log.warn('clean_up_not_put_off', describeError(notPutOff));
    }
  }
}

/** Throws when the outbox cannot be read; what fails for one entry is counted, and the entry tried again later. */
export async function cleanUp(settler: Settler, run: CleanUpRun): Promise<CleanUpReport> {
  const report = await new CleanUp(settler, run).run();
  run.log.info('identities_cleaned_up', { ...report });
  if (report.unreadable > 0) {
    throw new AppError('internal', 'The outbox holds entries that this release cannot read.');
  }
  return report;
}
