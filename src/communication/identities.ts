// Gets a user's identity or creates it, once: whoever holds the claim in the row creates, everybody else waits.
import { isoTime } from '../platform/clock.ts';
import { AppError, isAppError } from '../platform/errors.ts';
import {
  claimSendByMs,
  cleanUpGraceMs,
  identityWaitMs,
  recordPauseMs,
  recordTries,
} from '../platform/limits.ts';
import { describeError, type Log } from '../platform/log.ts';
import type { Platform } from '../platform/platform.ts';
import { announcedChange, change, type Announced } from './changes.ts';
import { claim, record, release, type ClaimResult } from './directory.ts';
import { settleStray, type Settler } from './settle.ts';
import type { Entry } from './store.ts';
import { subjectOf } from './subject.ts';

export interface Wanted {
  readonly rowKey: string;
  /** An identity that ACS no longer knows and that is to be replaced. */
  readonly replacing?: string | undefined;
  readonly log: Log;
}

interface Claim {
  readonly writer: string;
  /** By the monotonic clock: no create is sent after it, so that none is under way when others take the claim over. */
  readonly sendBy: number;
}

/** Creation goes on when the caller who began it gives up: it ends by time limits of its own, and others may wait for it. */
export class Identities {
  readonly #settler: Settler;
  readonly #random: Platform['random'];
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(settler: Settler, random: Platform['random']) {
    this.#settler = settler;
    this.#random = random;
  }

  /**
   * The identity of the user. Calls of this process for one user share the work.
   * Throws `disabled`, `conflict`, `busy`, `rate_limited`, `identity_stale`, `identity_of_other_resource`, and what ACS and
   * the store throw.
   */
  obtain(wanted: Wanted): Promise<string> {
    const key = `${wanted.rowKey}.${wanted.replacing ?? ''}`;
    const known = this.#underWay.get(key);
    if (known) return known;
    const work = this.#obtain(wanted).finally(() => this.#underWay.delete(key));
    // Whoever asked may give up before he waits for it, and a rejection that nobody hears ends the worker (measured).
    work.catch(() => undefined);
    this.#underWay.set(key, work);
    return work;
  }

  async #obtain(wanted: Wanted): Promise<string> {
    const { clock, uuid } = this.#settler.directory;
    const end = clock.monotonic() + identityWaitMs;
    for (let waits = 0; ; waits += 1) {
      const writer = uuid();
      const sendBy = clock.monotonic() + claimSendByMs;
      const { result, entry } = await this.#claim(wanted, writer);
      if (result.kind === 'ready') return result.identity;
      if (result.kind === 'claimed') {
        if (result.lost) this.#lost(wanted, 'claim expired');
        const identity = await this.#create(wanted, { writer, sendBy }, entry);
        if (identity !== undefined) return identity;
        // Somebody else has it, or erased it: worth another look at once.
        if (waits === 0) continue;
      }
      const pause = Math.min(1000, 50 * 2 ** waits) * (0.5 + this.#random() / 2);
      if (clock.monotonic() + pause >= end) throw stillWaiting();
      await clock.sleep(pause);
    }
  }

  /** No claim without room for the creation: it would cost the user two more writes and the timer a look at it. */
  #claim({ rowKey, replacing }: Wanted, writer: string): Promise<Announced<ClaimResult>> {
    const { directory, acs } = this.#settler;
    let counted = false;
    return announcedChange(directory, rowKey, (found) => {
      const change = claim(found, writer, replacing);
      if (change.row && !counted) acs.takeCreate();
      counted ||= change.row !== undefined;
      return change;
    });
  }

  /** Answers undefined when the claim was taken away meanwhile; what was created is then deleted. */
  async #create(
    wanted: Wanted,
    { writer, sendBy }: Claim,
    entry: Entry | undefined,
  ): Promise<string | undefined> {
    const { directory, acs } = this.#settler;
    const { clock, outbox } = directory;
    if (clock.monotonic() > sendBy) {
      await this.#giveBack(wanted, writer, false);
      throw new AppError('upstream_timeout', 'The directory did not answer in time.');
    }
    const created = await acs.create();
    if (created.kind !== 'created') {
      await this.#giveBack(wanted, writer, created.kind === 'unknown');
      throw created.error;
    }
    if (!(await this.#keepAtLast(wanted, writer, created.identity))) return undefined;
    if (entry) await quietly(wanted.log, outbox.drop(entry));
    return created.identity;
  }

  /** Nobody but this process can name the identity yet: it does not give up at the first failure of the directory. */
  async #keepAtLast(wanted: Wanted, writer: string, identity: string): Promise<boolean> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#keep(wanted, writer, identity);
      } catch (error) {
        if (tries === recordTries) {
          // Whether the row names it cannot be told, so it must not be deleted either: the one gap there is.
          this.#lost(wanted, 'not recorded');
          throw error;
        }
      }
      await this.#settler.directory.clock.sleep(recordPauseMs * 2 ** (tries - 1));
    }
  }

  /** Writes the identity into the row, or into the outbox when the row provably does not name it and never will. */
  async #keep({ rowKey, log }: Wanted, writer: string, identity: string): Promise<boolean> {
    const { directory } = this.#settler;
    const { clock, here, rows, outbox } = directory;
    const createdOn = isoTime(clock.now());
    const recorded = await change(directory, rowKey, (found) => record(found, writer, identity, createdOn));
    if (recorded === 'recorded') return true;
    const { now } = await rows.read(rowKey);
    const stray = { identity, resource: here };
    const entry = { id: `${rowKey}.${writer}`, rowKey, stray, dueAt: now + cleanUpGraceMs, attempts: 0 };
    await outbox.add(entry);
    await quietly(log, settleStray(this.#settler, entry, { log, priority: 'ordinary' }));
    return false;
  }

  /** Others need not wait for a claim that came to nothing. Failing to give it back only costs them that wait. */
  async #giveBack(wanted: Wanted, writer: string, lost: boolean): Promise<void> {
    if (lost) this.#lost(wanted, 'the outcome of create is not known');
    const given = change(this.#settler.directory, wanted.rowKey, (found) => release(found, writer, lost));
    await quietly(wanted.log, given);
  }

  #lost({ rowKey, log }: Wanted, reason: string): void {
    log.warn('possible_orphan', { subject: subjectOf(rowKey), reason });
  }
}

function stillWaiting(): AppError {
  const message = 'The identity of this user is being created by another call; ask again.';
  return new AppError('busy', message, { retryAfterSeconds: 5 });
}

/** The timer finishes what fails here. */
async function quietly(log: Log, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    log.warn('left_to_clean_up', isAppError(error) ? { code: error.code } : describeError(error));
  }
}
