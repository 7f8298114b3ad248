// The query of the change feed: what each version of it accepts, and the text of each 400.
import { DicomRefusal } from './errors.ts';
import { compareInstants, formatRoundTrip, parseInstant, type Instant } from './instant.ts';

export interface FeedQuery {
  readonly offset: bigint;
  readonly limit: number;
  readonly includeMetadata: boolean;
  /** Only v2 has a window: the start belongs to it, the end does not. */
  readonly start: Instant;
  readonly end: Instant;
}

interface Parameter {
  /** As the error names it: a parameter of the action in v1, a property of its options in v2. */
  readonly name: string;
  readonly text: string | undefined;
  readonly isProperty: boolean;
}

const maxInt64 = 2n ** 63n - 1n;
const maxInt32 = 2n ** 31n - 1n;
/** .NET's DateTimeOffset.MinValue and MaxValue. */
const beginning: Instant = { ms: Date.parse('0001-01-01T00:00:00Z'), ticks: 0 };
const ending: Instant = { ms: Date.parse('9999-12-31T23:59:59.999Z'), ticks: 9999 };

/** Names are taken without regard to case, and the first of repeated ones counts. Throws 400 for the first bad value. */
export function readFeedQuery(query: URLSearchParams, windowed: boolean): FeedQuery {
  const parameter = (name: string): Parameter => ({
    name: windowed ? name.charAt(0).toUpperCase() + name.slice(1) : name,
    text: valueOf(query, name),
    isProperty: windowed,
  });
  const offset = integer(parameter('offset'), 0n, { min: 0n, max: maxInt64 }, maxInt64);
  const limits = windowed ? { min: 1n, max: 200n } : { min: 1n, max: 100n };
  const limit = Number(integer(parameter('limit'), windowed ? 100n : 10n, limits, maxInt32));
  const start = windowed ? time(parameter('startTime'), beginning) : beginning;
  const end = windowed ? time(parameter('endTime'), ending) : ending;
  if (compareInstants(end, start) <= 0) {
    throw invalid(
      '',
      `The start time '${formatRoundTrip(start)}' must occur strictly before the end time '${formatRoundTrip(end)}'.`,
    );
  }
  return { offset, limit, start, end, includeMetadata: readIncludeMetadata(query) };
}

export function readIncludeMetadata(query: URLSearchParams): boolean {
  const text = valueOf(query, 'includeMetadata');
  if (text === undefined) return true;
  const boolean = text.trim().toLowerCase();
  if (boolean === 'true' || boolean === 'false') return boolean === 'true';
  throw notValid({ name: 'includeMetadata', text, isProperty: false });
}

function valueOf(query: URLSearchParams, name: string): string | undefined {
  return [...query].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** Beyond `largest` the text does not fit the .NET type, which has another message than being out of `range`. */
function integer(
  parameter: Parameter,
  preset: bigint,
  range: { readonly min: bigint; readonly max: bigint },
  largest: bigint,
): bigint {
  const { name, text } = parameter;
  if (text === undefined) return preset;
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw notValid(parameter);
  const value = BigInt(text.trim().replace(/^\+/, ''));
  if (value > largest || value < -largest - 1n) throw notValid(parameter);
  if (value >= range.min && value <= range.max) return value;
  throw invalid(name, `The field ${name} must be between ${range.min} and ${range.max}.`);
}

function time({ name, text }: Parameter, preset: Instant): Instant {
  if (text === undefined) return preset;
  const instant = parseInstant(text);
  if (!instant) throw invalid(name, 'Date and time value must specify a time zone.');
  return instant;
}

/** ASP.NET names the property a bad value was meant for, but not the parameter. */
function notValid({ name, text = '', isProperty }: Parameter): DicomRefusal {
  if (text.trim() === '') return invalid(name, `The value '${text}' is invalid.`);
  return invalid(name, `The value '${text}' is not valid${isProperty ? ` for ${name}` : ''}.`);
}

function invalid(name: string, why: string): DicomRefusal {
  return new DicomRefusal(400, `The query parameter '${name}' is invalid. ${why}`);
}
