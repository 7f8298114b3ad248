// The few statistics that the benchmarks speak in.

/** The value that the share `part` (0 to 1) of the values do not exceed, by nearest rank. Throws on an empty list. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const found = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('There is nothing to take a percentile of.');
  return found;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** How many of the ascending times fall into the fullest window of that length. */
export function mostWithin(times: readonly number[], window: number): number {
  let first = 0;
  let most = 0;
  for (const [index, time] of times.entries()) {
    while ((times[first] ?? time) <= time - window) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
