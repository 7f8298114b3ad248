// Changes a row: announces it in the outbox first, writes by compare-and-swap, and judges anew on whatever it finds.
import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';
import { announcementMs, cleanUpGraceMs, directoryTries } from '../platform/limits.ts';
import type { Change, Found } from './directory.ts';
import type { Entry, IdentityRows, Outbox } from './store.ts';

export interface Directory {
  readonly rows: IdentityRows;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly uuid: () => string;
  /** Fingerprint of the configured ACS resource. */
  readonly here: string;
}

/**
 * Applies `transition` to the row. What it makes owed must be announced already, or become so by `announced`.
 * Throws what `transition` throws, `busy` when others keep changing the row, and what the store throws.
 */
export async function change<R>(
  { rows, clock, here }: Directory,
  rowKey: string,
  transition: (found: Found) => Change<R>,
  signal?: AbortSignal,
  announce?: (now: number, asked: number) => Promise<void>,
): Promise<R> {
  for (let attempt = 0; attempt < directoryTries; attempt += 1) {
    const asked = clock.monotonic();
    const base = await rows.read(rowKey, signal);
    const { row, result } = transition({ row: base.row, now: base.now, here });
    if (!row) return result;
    await announce?.(base.now, asked);
    if (await rows.write(rowKey, row, base, signal)) return result;
  }
  throw new AppError('busy', 'This user is being changed by other calls; ask again.', {
    retryAfterSeconds: 1,
  });
}

export interface Announced<R> {
  readonly result: R;
  /** What is now in the outbox, or undefined where nothing was changed. */
  readonly entry: Entry | undefined;
}

/**
 * As `change`, with an entry in the outbox before the row changes: a process killed right after leaves work for the timer.
 * The entry is renewed when it has grown so old that the timer could have judged and dropped it before the row changed.
 */
export async function announcedChange<R>(
  directory: Directory,
  rowKey: string,
  transition: (found: Found) => Change<R>,
  signal?: AbortSignal,
): Promise<Announced<R>> {
  const { outbox, clock, uuid } = directory;
  let entry: Entry | undefined;
  let validUntil = 0;
  // Counted from before the row was read: `now` is the store's time of that reading, however long the answer took.
  const announce = async (now: number, sent: number): Promise<void> => {
    if (entry && sent < validUntil) return;
    // A name of its own each time: the timer may be about to drop the one before, which it judged already.
    const id = `${rowKey}.${uuid()}`;
    const next = { id, rowKey, dueAt: now + cleanUpGraceMs, attempts: 0 };
    await outbox.add(next, signal);
    entry = next;
    validUntil = sent + announcementMs;
    if (clock.monotonic() >= validUntil) {
      throw new AppError('upstream_timeout', 'The directory did not answer in time.');
    }
  };
  const result = await change(directory, rowKey, transition, signal, announce);
  return { result, entry };
}
