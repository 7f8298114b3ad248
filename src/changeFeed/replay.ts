// A replay: a fixed range of sequences, delivered in slices of which two at most are under way. No I/O.
import { feedReplaySlice } from '../platform/limits.ts';
import { nothingLearnt, type Cursor, type Pending, type Reading, type SinkFailure } from './cursor.ts';
import { count, type Interval } from './intervals.ts';
import type { ReplayReport } from './replayReport.ts';
import type { SinkName } from './sink.ts';

/** A slice that is under way: a small cursor of its own, which delivers in order. */
export interface Lane extends Interval {
  /** Everything of the slice up to this sequence is delivered. */
  readonly committed: number;
  readonly pending: Pending | null;
  readonly failure: SinkFailure | null;
  readonly refusals?: number | undefined;
  readonly reading: Reading;
  /** Changes of the slice that every sink took. */
  readonly delivered: number;
}

export interface Replay extends Interval {
  readonly id: string;
  /** URL of the service. */
  readonly service: string;
  readonly state: ReplayReport['state'];
  /** That of the cursor when the replay began: the sequences mean nothing in another one. */
  readonly epoch: number;
  readonly sinks: readonly SinkName[];
  /** Sequences of a slice. */
  readonly slice: number;
  /** The first sequence that no lane was given. */
  readonly next: number;
  readonly lanes: readonly Lane[];
  /** Changes of the finished slices. */
  readonly delivered: number;
  /** ISO 8601, as are the other times. */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  readonly lastRun?: ReplayReport['lastRun'];
}

export type NewReplay = Pick<Replay, 'id' | 'service' | 'epoch' | 'from' | 'to' | 'sinks' | 'startedAt'>;

export function newReplay(start: NewReplay): Replay {
  return { ...start, state: 'running', slice: feedReplaySlice, next: start.from, lanes: [], delivered: 0 };
}

/** With one more lane, which has the next slice, where there is one. `reading` is what the slice before it taught. */
export function take(replay: Replay, reading: Reading = nothingLearnt): Replay {
  const { next, to, lanes, slice: length } = replay;
  if (next > to) return replay;
  const slice = { from: next, to: Math.min(to, next + length - 1) };
  const fresh = { committed: next - 1, pending: null, failure: null, delivered: 0 };
  const lane: Lane = { ...slice, ...fresh, reading };
  return { ...replay, next: slice.to + 1, lanes: [...lanes, lane] };
}

/** With the lane of the same slice replaced, or taken out once its slice is finished. */
export function withLane(replay: Replay, lane: Lane): Replay {
  if (lane.committed < lane.to)
    return { ...replay, lanes: replay.lanes.map((one) => (one.from === lane.from ? lane : one)) };
  const lanes = replay.lanes.filter(({ from }) => from !== lane.from);
  return { ...replay, lanes, delivered: replay.delivered + lane.delivered };
}

export function isFinished({ next, to, lanes }: Replay): boolean {
  return next > to && lanes.length === 0;
}

export function ended(replay: Replay, state: 'done' | 'cancelled' | 'failed', time: string): Replay {
  return { ...replay, state, endedAt: time };
}

/**
 * The lane as a cursor. It keeps no sightings of holes, so that none is passed for the time that it was watched: only a
 * neighbour's timestamp vouches for one, and what commits later than that the live cursor's audit finds.
 */
export function cursorOf({ committed, pending, failure, refusals, reading }: Lane, epoch: number): Cursor {
  return {
    ...{ epoch, committed, pending, failure, reading },
    ...(refusals === undefined ? {} : { refusals }),
    ...{ anchor: null, holes: [], crossed: [] },
  };
}

/** `delivered` counts what was taken since the lane was as given. */
export function laneAfter(lane: Lane, cursor: Cursor, delivered: number): Lane {
  const { committed, pending, failure, refusals, reading } = cursor;
  const { from, to } = lane;
  const progress = { from, to, committed, pending, failure, reading, delivered: lane.delivered + delivered };
  return refusals === undefined ? progress : { ...progress, refusals };
}

/** The webhook may be far into a range that is not committed; nothing is shown as over before every sink has all of it. */
function reached({ committed, pending, to }: Lane): number {
  return Math.max(committed, Math.min(pending?.through ?? committed, to - 1));
}

export function reportOfReplay(replay: Replay): ReplayReport {
  const { id, service, state, epoch, from, to, sinks, lanes, startedAt, endedAt, lastRun } = replay;
  const open = lanes.map((lane) => ({ from: reached(lane) + 1, to: lane.to }));
  return {
    ...{ id, service, state, epoch, from, to, sinks: [...sinks] },
    passed: replay.next - from - count(open),
    total: count([{ from, to }]),
    delivered: lanes.reduce((sum, { delivered }) => sum + delivered, replay.delivered),
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(lastRun === undefined ? {} : { lastRun }),
  };
}
