// Which NCRONTAB expressions the Functions host takes: one that it refuses would silently disable its timer (measured).
import { Cron } from 'croner';

const point = String.raw`(?:\d{1,2}|[A-Z]{3})`;
const item = String.raw`(?:\*|${point}(?:-${point})?)(?:/\d{1,2})?`;
const field = `${item}(?:,${item})*`;
const sixFields = new RegExp(`^(?:${field} ){5}${field}$`, 'i');
/** The host counts the days of the week from 0 to 6. */
const daySeven = /[ ,-]0?7(?=$|[,/-])[^ ]*$/;

/**
 * The text when it has six fields of the host's dialect, else undefined. Its form is judged first, because croner, which
 * then judges the ranges, knows more than the host: `L`, `W`, `#`, `?` and 7 for Sunday.
 */
export function ncrontab(text: string): string | undefined {
  if (!sixFields.test(text) || daySeven.test(text)) return undefined;
  try {
    new Cron(text, { paused: true, mode: '6-part', sloppyRanges: true }).stop();
    return text;
  } catch {
    return undefined;
  }
}
