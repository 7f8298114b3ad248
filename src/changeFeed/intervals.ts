// Sets of sequence numbers as sorted intervals: an identity jump of ten thousand numbers must not cost ten thousand entries.

/** Both ends belong to it. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The parts of `within` that none of `sequences` (ascending) fills. */
export function missing(within: Interval, sequences: readonly number[]): Interval[] {
  const gaps: Interval[] = [];
  let next = within.from;
  for (const sequence of sequences) {
    if (sequence > next) gaps.push({ from: next, to: sequence - 1 });
    next = Math.max(next, sequence + 1);
  }
  if (next <= within.to) gaps.push({ from: next, to: within.to });
  return gaps;
}

/** `interval` without what `cuts` (ascending, not overlapping) cover. */
export function subtract(interval: Interval, cuts: readonly Interval[]): Interval[] {
  const rest: Interval[] = [];
  let next = interval.from;
  for (const cut of cuts) {
    if (cut.to < next || cut.from > interval.to) continue;
    if (cut.from > next) rest.push({ from: next, to: cut.from - 1 });
    next = cut.to + 1;
  }
  if (next <= interval.to) rest.push({ from: next, to: interval.to });
  return rest;
}

/** What both have, or undefined. */
export function overlap(left: Interval, right: Interval): Interval | undefined {
  const from = Math.max(left.from, right.from);
  const to = Math.min(left.to, right.to);
  return from <= to ? { from, to } : undefined;
}

export function covers(intervals: readonly Interval[], sequence: number): boolean {
  return intervals.some(({ from, to }) => from <= sequence && sequence <= to);
}

export function count(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** Joins neighbours that touch and that `alike` says may be one. */
export function join<T extends Interval>(
  intervals: readonly T[],
  alike: (left: T, right: T) => boolean = () => true,
): T[] {
  const joined: T[] = [];
  for (const interval of intervals) {
    const last = joined.at(-1);
    if (last && last.to + 1 === interval.from && alike(last, interval))
      joined.splice(-1, 1, { ...last, to: interval.to });
    else joined.push(interval);
  }
  return joined;
}
