// Offers the dead letters of one service to their sinks again, and removes those that are taken.
import * as z from 'zod/mini';
import { isAppError, type AppError } from '../platform/errors.ts';
import { feedReserveMs } from '../platform/limits.ts';
import { describeError, type Log } from '../platform/log.ts';
import { UnreadableDocument } from '../platform/stateDocuments.ts';
import type { DeadLetter, DeadLetters } from './deadLetters.ts';
import type { Frame } from './dicomChangeFeed.ts';
import { endingOf } from './ending.ts';
import { anchorOf, isAnchored, type FeedEntry } from './entry.ts';
import { toEvent } from './events.ts';
import { FeedStop } from './outcome.ts';
import type { ServiceParts } from './service.ts';
import { isRequestSink, type RequestSink } from './sink.ts';

const whole = z.int().check(z.nonnegative());

export const redriveShape = z.object({
  /** URL of the service. */
  service: z.string(),
  /** `done`: each was tried. `budget`: time was up; ask again for the rest. `stopped`: `error` says by what. */
  outcome: z.enum(['done', 'budget', 'stopped']),
  /** Taken now, and so removed. */
  taken: whole,
  /** Refused again. */
  refused: whole,
  /** What lies there now, that of sinks that are not configured any more included. */
  remaining: whole,
  error: z.optional(z.object({ code: z.string(), message: z.string(), advice: z.string() })),
});

export type RedriveReport = Readonly<z.infer<typeof redriveShape>>;

interface Tally {
  taken: number;
  refused: number;
  /** Of the first letter that, or whose metadata, could not be read; the others are tried all the same. */
  unread: Error | undefined;
}

/**
 * Repeating it is harmless: a letter is removed only after its sink took it, under the id that it always had, and where the
 * process dies in between the receiver sees that id twice. Needs no lease, since a run only ever adds letters.
 * Throws what the storage says where the letters cannot be listed or counted.
 */
export async function redrive(parts: ServiceParts, frame: Frame, log: Log): Promise<RedriveReport> {
  const { service, deadLetters, sinks } = parts;
  const tally: Tally = { taken: 0, refused: 0, unread: undefined };
  let ending: Pick<RedriveReport, 'outcome' | 'error'> = { outcome: 'done' };
  try {
    for (const sink of sinks.filter(isRequestSink)) {
      const inTime = await redriveSink(parts, sink, frame, tally);
      if (!inTime) ending = { outcome: 'budget' };
    }
    if (tally.unread) throw tally.unread;
  } catch (error) {
    log.warn('feed_redrive_stopped', { service: new URL(service).host, ...describeError(error) });
    ending = frame.signal.aborted
      ? { outcome: 'budget' }
      : { outcome: 'stopped', error: endingOf(error).error };
  }
  const { taken, refused } = tally;
  const report = { service, ...ending, taken, refused, remaining: await deadLetters.count() };
  const { outcome, remaining } = report;
  log.info('feed_redriven', { service: new URL(service).host, outcome, taken, refused, remaining });
  return report;
}

/** False when time was up before all were tried. Throws when the sink is down. */
async function redriveSink(
  parts: ServiceParts,
  sink: RequestSink,
  frame: Frame,
  tally: Tally,
): Promise<boolean> {
  const { deadLetters } = parts;
  for (const key of await deadLetters.keys(sink.name)) {
    if (frame.remainingMs() < feedReserveMs) return false;
    const letter = await readable(deadLetters, key, tally);
    if (!letter) continue;
    const entry = await freshest(parts, letter, frame, tally);
    if (!entry) continue;
    const { rules, service } = parts;
    const event = toEvent(entry, {
      service,
      epoch: letter.epoch,
      late: letter.late,
      metadata: rules.metadata,
    });
    const answer = await sink.offer([event], { ...frame, guard: () => undefined });
    if (answer.kind === 'taken') {
      await deadLetters.remove(key);
      tally.taken += 1;
    } else tally.refused += 1;
  }
  return true;
}

async function readable(
  deadLetters: DeadLetters,
  key: string,
  tally: Tally,
): Promise<DeadLetter | undefined> {
  try {
    return await deadLetters.read(key);
  } catch (error) {
    if (!(error instanceof UnreadableDocument)) throw error;
    tally.unread ??= error;
    return undefined;
  }
}

/**
 * The entry with its metadata as the service has it now, which the letter lacks. Where the feed was made anew since, the
 * service has another change under that number: then the letter's own words have to do. Undefined when it cannot be read.
 */
async function freshest(
  { rules, reader }: ServiceParts,
  { entry }: DeadLetter,
  frame: Frame,
  tally: Tally,
): Promise<FeedEntry | undefined> {
  if (rules.metadata.kind === 'none') return entry;
  const place = { from: entry.sequence, to: entry.sequence };
  try {
    const [found] = (await reader.page(place, { metadata: true }, frame)).entries;
    return found && isAnchored(anchorOf(entry), found) ? found : entry;
  } catch (error) {
    // One whose metadata is beyond reading must not hold up the others; a service that lets nobody in does.
    if (!isUpstreamFailure(error)) throw error;
    tally.unread ??= error;
    return undefined;
  }
}

function isUpstreamFailure(error: unknown): error is AppError {
  return error instanceof FeedStop
    ? error.outcome === 'upstream_failed'
    : isAppError(error, 'upstream_failed');
}
