// Numbers and durations as people read them, in one way everywhere.

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** In the largest unit that is passed, as in `5 min`. */
export function span(ms: number): string {
  if (ms < minuteMs) return '<1 min';
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min`;
  return ms < 2 * dayMs ? `${Math.floor(ms / hourMs)} h` : `${Math.floor(ms / dayMs)} d`;
}

/** `time` is ISO 8601, as in `5 min ago`. */
export function ago(time: string, now: number): string {
  return `${span(now - Date.parse(time))} ago`;
}

/** With the thousands set apart, as in `12,345`. */
export function figure(count: number): string {
  return count.toLocaleString('en-US');
}

/** As in `1 change` and `12,345 changes`. */
export function figureOf(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Rounded down, so that all is done at 100 % only. */
export function percent(part: number, whole: number): string {
  return `${whole === 0 ? 100 : Math.floor((part / whole) * 100)} %`;
}
