// Finishes what a row owes - a revocation, a deletion, a claim whose owner died - for the call that owes it and for the timer.
import { AppError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Acs } from './acsClient.ts';
import { change, type Directory } from './changes.ts';
import { clearOwed, confirmErased, expire, names, ofOtherResource } from './directory.ts';
import type { AcsPriority } from './rateLimit.ts';
import type { Entry } from './store.ts';
import { subjectOf } from './subject.ts';
import { nextWork, type Work } from './work.ts';

export interface Settler {
  readonly directory: Directory;
  readonly acs: Acs;
}

/** What was done, for the report. */
export type Done = 'revoked' | 'deleted' | 'expired' | 'forgotten';

export interface Settling {
  readonly log: Log;
  /** `reserved` where a backend decided it and waits. */
  readonly priority: AcsPriority;
  readonly signal?: AbortSignal | undefined;
  readonly done?: (what: Done) => void;
}

/** Enough for every kind of work once, and for changes by others in between. */
const rounds = 8;

/**
 * Works on the row until nothing is left to do now, then drops the entry or puts it off.
 * Throws what ACS and the store throw, `busy` and `identity_of_other_resource`; the entry then stays as it is.
 */
export async function settle(
  settler: Settler,
  rowKey: string,
  settling: Settling,
  entry?: Entry,
): Promise<void> {
  const { rows, outbox, here } = settler.directory;
  for (let round = 0; round < rounds; round += 1) {
    const base = await rows.read(rowKey, settling.signal);
    const work = nextWork(base.row, here, base.now);
    if (work.kind === 'nothing') {
      if (entry) await outbox.drop(entry);
      return;
    }
    if (work.kind === 'later') {
      if (entry) await outbox.postpone(entry, work.at, 0);
      return;
    }
    if (work.kind === 'forget') {
      if (await rows.remove(rowKey, base)) settling.done?.('forgotten');
      continue;
    }
    await perform(settler, rowKey, work, settling);
  }
  throw new AppError('busy', 'This user is being changed by other calls; ask again.', {
    retryAfterSeconds: 1,
  });
}

type Owed = Exclude<Work, { kind: 'nothing' | 'later' | 'forget' }>;

async function perform(
  { directory, acs }: Settler,
  rowKey: string,
  work: Owed,
  { log, priority, signal, done }: Settling,
): Promise<void> {
  switch (work.kind) {
    case 'otherResource':
      throw ofOtherResource();
    case 'revoke':
      await acs.revoke(work.identity, priority, signal);
      await change(directory, rowKey, (found) => clearOwed(found, work.owed), signal);
      done?.('revoked');
      return;
    case 'delete':
      for (const identity of work.identities) await acs.delete(identity, priority, signal);
      await change(directory, rowKey, (found) => confirmErased(found, work.identities), signal);
      done?.('deleted');
      return;
    case 'expire':
      if ((await change(directory, rowKey, expire, signal)) === 'expired') {
        log.warn('possible_orphan', { subject: subjectOf(rowKey), reason: 'claim expired' });
        done?.('expired');
      }
      return;
  }
}

/**
 * Deletes an identity that no row names; the row is read again first, and an identity that it names is left alone.
 * Throws as `settle` does.
 */
export async function settleStray(settler: Settler, entry: Entry, settling: Settling): Promise<void> {
  const { directory, acs } = settler;
  const { stray, rowKey } = entry;
  if (!stray) return;
  const { row } = await directory.rows.read(rowKey, settling.signal);
  if (!row || !names(row, stray.identity)) {
    if (stray.resource !== directory.here) throw ofOtherResource();
    await acs.delete(stray.identity, settling.priority, settling.signal);
    settling.done?.('deleted');
  }
  await directory.outbox.drop(entry);
}
