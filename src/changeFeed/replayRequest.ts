// What an operator asks of a replay: checked, and its times turned into sequences once and for all.
import { isoTime } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';
import { feedReplaysOpen, feedStartWindowMs } from '../platform/limits.ts';
import type { Cursor } from './cursor.ts';
import type { Frame } from './dicomChangeFeed.ts';
import type { Interval } from './intervals.ts';
import { feedReset, isOtherFeed } from './reading.ts';
import { newReplay, type Replay } from './replay.ts';
import type { ServiceParts } from './service.ts';
import type { SinkName } from './sink.ts';
import { beforeTime } from './start.ts';

/** From and to by sequences, both delivered, or by times, ISO 8601 with zone: at or after `since`, before `until`. */
export interface ReplayRange {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

export interface ReplayRequest extends ReplayRange {
  /** All that are configured when absent. */
  readonly sinks?: readonly SinkName[] | undefined;
}

/**
 * The replay that is asked for, not yet stored. Throws `invalid_request`, and `conflict` where there is no cursor to go by,
 * where too many are under way, or one of the same range and sinks; and what the service or the storage says.
 */
export async function planReplay(
  parts: ServiceParts,
  request: ReplayRequest,
  id: string,
  frame: Frame,
): Promise<Replay> {
  refuseMixed(request);
  const sinks = chosenSinks(parts, request.sinks);
  const found = await parts.store.find();
  if (found.kind !== 'present')
    throw new AppError('conflict', 'service: expected one with a cursor; this one has none yet, or lost it');
  const { cursor } = found;
  const { service, clock, replays } = parts;
  const range = await rangeOf(parts, request, cursor, frame);
  const startedAt = isoTime(clock.now());
  const replay = newReplay({ id, service, epoch: cursor.epoch, ...range, sinks, startedAt });
  const { readable } = await replays.list();
  const open = readable.map((one) => one.replay).filter(({ state }) => state === 'running');
  const twin = open.find((one) => isSame(one, replay));
  if (twin) throw new AppError('conflict', `A replay of this range and these sinks is under way: ${twin.id}`);
  if (open.length >= feedReplaysOpen)
    throw new AppError(
      'conflict',
      `${open.length} replays are under way, which is the most; cancel one, or wait.`,
    );
  return replay;
}

function refuseMixed({ from, to, since, until }: ReplayRange): void {
  const bySequence = isGiven(from) || isGiven(to);
  if (bySequence && (isGiven(since) || isGiven(until)))
    throw invalid('Body: expected sequences ("from", "to") or times ("since", "until"), not both');
  if (bySequence) {
    if (!isGiven(from)) throw invalid('from: expected a sequence');
    if (isGiven(to) && to < from) throw invalid('to: expected at least "from"');
  } else {
    if (!isGiven(since)) throw invalid('Body: expected "from" or "since"');
    if (isGiven(until) && Date.parse(until) <= Date.parse(since))
      throw invalid('until: expected a time after "since"');
  }
}

function isGiven<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function chosenSinks({ sinks }: ServiceParts, wanted: readonly SinkName[] | undefined): readonly SinkName[] {
  const configured = sinks.map(({ name }) => name);
  if (!wanted) return configured;
  if (!wanted.every((name) => configured.includes(name)))
    throw invalid(`sinks: expected some of those that are configured: ${configured.join(', ')}`);
  return configured.filter((name) => wanted.includes(name));
}

async function rangeOf(
  parts: ServiceParts,
  { from, to, since, until }: ReplayRange,
  cursor: Cursor,
  frame: Frame,
): Promise<Interval> {
  const { committed } = cursor;
  if (to !== undefined && to > committed) throw beyond('to', committed);
  if (since === undefined) {
    const first = from ?? 1;
    if (first > committed) throw beyond('from', committed);
    return { from: first, to: to ?? committed };
  }
  const range = await rangeOfTimes(parts, since, until, cursor, frame);
  if (range.from > range.to) throw invalid('since: no change of that time has been passed by the cursor');
  return range;
}

/**
 * Holds every change of that time that the cursor has passed. A change's number is drawn less than `feedStartWindowMs` after
 * the time that it carries, so whatever happened before `until` stands before the lowest number of what came that much later.
 */
async function rangeOfTimes(
  { reader, rules }: ServiceParts,
  since: string,
  until: string | undefined,
  cursor: Cursor,
  frame: Frame,
): Promise<Interval> {
  const { entry, time } = await reader.latest(frame);
  const newest = entry?.sequence ?? 0;
  if (await isOtherFeed(reader, cursor, newest, frame)) throw feedReset();
  const place = { reader, pageSize: rules.pageSize, frame };
  const from = (await beforeTime(since, newest, place)) + 1;
  if (until === undefined || Date.parse(until) >= time) return { from, to: cursor.committed };
  const after = isoTime(Date.parse(until) + feedStartWindowMs);
  return { from, to: Math.min(cursor.committed, await beforeTime(after, newest, place)) };
}

function isSame(left: Replay, right: Replay): boolean {
  return (
    left.epoch === right.epoch &&
    left.from === right.from &&
    left.to === right.to &&
    left.sinks.join() === right.sinks.join()
  );
}

function beyond(field: 'from' | 'to', committed: number): AppError {
  return invalid(`${field}: expected at most ${committed}, where the cursor stands`);
}

function invalid(message: string): AppError {
  return new AppError('invalid_request', message);
}
