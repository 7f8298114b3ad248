// Points in time as SQL Server's DATETIMEOFFSET(7) keeps them: 100 ns, which a JavaScript Date would cut to milliseconds.

/** `ms` since 1970 UTC and the 0 to 9,999 ticks of 100 ns above it. */
export interface Instant {
  readonly ms: number;
  readonly ticks: number;
}

const ticksPerMs = 10_000;
const form = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?(Z|[+-]\d\d(?::\d\d)?)$/i;

export function compareInstants(a: Instant, b: Instant): number {
  return a.ms - b.ms || a.ticks - b.ticks;
}

/** `now`, shifted back by less than a millisecond for its lower digits, but always after `previous`. */
export function nextInstant(now: number, previous: Instant, shift: number): Instant {
  const wanted = { ms: now - 1, ticks: ticksPerMs - 1 - (shift % ticksPerMs) };
  if (compareInstants(wanted, previous) > 0) return wanted;
  const ticks = previous.ticks + 1;
  return { ms: previous.ms + Math.floor(ticks / ticksPerMs), ticks: ticks % ticksPerMs };
}

/** As the feed writes it: zeros at the end of the fraction left out, `+00:00` and never `Z`. */
export function formatInstant(instant: Instant): string {
  const { seconds, fraction } = parts(instant);
  const trimmed = fraction.replace(/0+$/, '');
  return `${seconds}${trimmed && '.'}${trimmed}+00:00`;
}

/** .NET's round-trip format `O`, which the error texts use: always seven digits. */
export function formatRoundTrip(instant: Instant): string {
  const { seconds, fraction } = parts(instant);
  return `${seconds}.${fraction}+00:00`;
}

/** Undefined when it is no date and time, or one without a zone. */
export function parseInstant(text: string): Instant | undefined {
  const [, date, minutes = '00:00', seconds = '00', fraction = '', zone = ''] = form.exec(text.trim()) ?? [];
  if (date === undefined) return undefined;
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.toUpperCase();
  const ms = Date.parse(`${date}T${minutes}:${seconds}${offset}`);
  const all = Number(fraction.padEnd(7, '0'));
  if (Number.isNaN(ms)) return undefined;
  return { ms: ms + Math.floor(all / ticksPerMs), ticks: all % ticksPerMs };
}

function parts({ ms, ticks }: Instant): { seconds: string; fraction: string } {
  const [seconds = '', rest = ''] = new Date(ms).toISOString().split('.');
  return { seconds, fraction: rest.slice(0, 3) + String(ticks).padStart(4, '0') };
}
