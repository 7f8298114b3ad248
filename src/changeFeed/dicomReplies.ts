// Judges the answers of the DICOM service: an answer that does not have the expected shape is an error, never a guess.
import type { RestReply } from '../platform/restClient.ts';
import type { DicomJson, FeedEntry } from './entry.ts';
import type { Interval } from './intervals.ts';
import { FeedStop } from './outcome.ts';

/** The entries of a v1 page: ascending, without repetition, all inside `range`. */
export function judgePage(reply: RestReply, range: Interval): FeedEntry[] {
  const entries = judgeList(reply);
  let last = range.from - 1;
  for (const { sequence } of entries) {
    if (sequence <= last || sequence > range.to)
      throw badReply('a page that is not ascending inside the range that was asked for');
    last = sequence;
  }
  return entries;
}

/** The entries of a v2 window: ordered by time, so that their sequences may come in any order, but none twice. */
export function judgeWindow(reply: RestReply, limit: number): FeedEntry[] {
  const entries = judgeList(reply);
  if (entries.length > limit || new Set(entries.map(({ sequence }) => sequence)).size !== entries.length)
    throw badReply('a window with too many or repeated entries');
  return entries;
}

/** The newest entry, or undefined for an empty feed, which is told in three ways: 204, an empty body, `null`. */
export function judgeLatest(reply: RestReply): FeedEntry | undefined {
  refuseStatus(reply, [200, 204]);
  if (reply.status === 204 || reply.text.trim() === '') return undefined;
  const json = parse(reply.text);
  return json === null ? undefined : toEntry(json);
}

/** The service's clock; a hole's age needs it. */
export function judgeTime(reply: RestReply): number {
  if (reply.serverTime === undefined) throw badReply('without a Date header');
  return reply.serverTime;
}

/** Throws for an answer that is no page and no window at all. */
export function judgeStatus(reply: RestReply): void {
  refuseStatus(reply, [200]);
}

function judgeList(reply: RestReply): FeedEntry[] {
  judgeStatus(reply);
  const json = parse(reply.text);
  if (!Array.isArray(json)) throw badReply('a page that is not a list');
  return json.map(toEntry);
}

function refuseStatus(reply: RestReply, expected: readonly number[]): void {
  const { status } = reply;
  if (expected.includes(status)) return;
  const cause = new Error(`HTTP ${status}`);
  if (status === 401) {
    throw new FeedStop('unauthorized', 'The DICOM service refused the access token, and a fresh one too.', {
      advice: 'Check DICOM_SCOPE against the audience of the DICOM service, and that it trusts this tenant.',
      cause,
    });
  }
  if (status === 403) {
    throw new FeedStop('forbidden', "The app's identity may not read the DICOM service.", {
      advice:
        'Assign it the role "DICOM Data Reader" on the service; a new assignment takes up to five minutes to work.',
      cause,
    });
  }
  if (status === 404 || status === 406 || (status >= 300 && status < 400)) {
    throw new FeedStop('misconfigured', `The DICOM service has no change feed there (HTTP ${status}).`, {
      advice: 'Check DICOM_SERVICE_URL: https://<workspace>-<service>.dicom.azurehealthcareapis.com.',
      cause,
    });
  }
  throw new FeedStop('upstream_failed', `The DICOM service failed (HTTP ${status}).`, {
    // The gateway in front of the service lost its patience: like a silence of the service itself.
    code: status === 408 || status === 504 ? 'upstream_timeout' : 'upstream_failed',
    advice: adviceFor(status),
    cause,
  });
}

function adviceFor(status: number): string {
  if (status === 424)
    return 'A store behind the service (data lake, customer-managed key) is out of its reach.';
  if (status === 400) return 'The service did not accept the request; this release may be too old for it.';
  return 'The next run tries again.';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(longInteger.test(text) ? withLongIntegersAsText(text) : text);
  } catch {
    // The parser's own message quotes the text, which holds UIDs.
    throw badReply('an answer that is not JSON');
  }
}

const longInteger = /[:,[]\s*-?\d{16}/;

/**
 * Sixty-four bits of an SV or UV do not fit a number, and JSON.parse would change them without a word. The DICOM JSON model
 * takes them as text just as well (PS3.18 F.2.3); a sequence that is text is refused. Strings are passed over whole.
 */
function withLongIntegersAsText(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|(?<![\w.+-])-?\d{16,}(?![\w.])/g, (token) =>
    token.startsWith('"') || BigInt(Number(token)) === BigInt(token) ? token : `"${token}"`,
  );
}

const names = [
  ...(['sequence', 'partitionName', 'studyInstanceUid', 'seriesInstanceUid', 'sopInstanceUid'] as const),
  ...(['action', 'state', 'timestamp', 'filePath', 'metadata'] as const),
];
type Name = (typeof names)[number];
type Fields = Readonly<Partial<Record<Name, unknown>>>;
const documented = new Set<string>(names);
const spelled = new Map(names.map((name) => [name.toLowerCase(), name]));

/** Keys and values come in other cases than documented (measured), and some values as numbers. */
function toEntry(json: unknown): FeedEntry {
  const fields = fieldsOf(json);
  const { sequence } = fields;
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 1)
    throw badReply('an entry whose sequence is not a number that can be kept exactly');
  return {
    sequence,
    partitionName: optional(fields, 'partitionName') ?? 'Microsoft.Default',
    studyInstanceUid: text(fields, 'studyInstanceUid'),
    seriesInstanceUid: text(fields, 'seriesInstanceUid'),
    sopInstanceUid: text(fields, 'sopInstanceUid'),
    action: known(fields.action, 'action', actions),
    state: known(fields.state, 'state', states),
    timestamp: timestamp(text(fields, 'timestamp')),
    filePath: optional(fields, 'filePath'),
    metadata: metadataOf(fields.metadata ?? undefined),
  };
}

/** Under the documented names. Where it has no others, the object itself: a million entries pass through here. */
function fieldsOf(json: unknown): Fields {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw badReply('an entry that is not an object');
  if (Object.keys(json).every((key) => documented.has(key))) return json;
  const fields: Partial<Record<Name, unknown>> = {};
  for (const [key, value] of Object.entries(json) as [string, unknown][]) {
    const name = spelled.get(key.toLowerCase());
    if (name !== undefined && value !== null) fields[name] = value;
  }
  return fields;
}

function text(fields: Fields, name: Name): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw badReply(`an entry without ${name}`);
  return value;
}

function optional(fields: Fields, name: Name): string | undefined {
  return (fields[name] ?? undefined) === undefined ? undefined : text(fields, name);
}

const actions = ['Create', 'Delete', 'Update'];
const states = ['Current', 'Replaced', 'Deleted'];

function known(value: unknown, name: string, values: readonly string[]): string {
  if (typeof value === 'number' && name === 'action') return values[value] ?? String(value);
  if (typeof value !== 'string' || value === '') throw badReply(`an entry without ${name}`);
  if (values.includes(value)) return value;
  return values.find((one) => one.toLowerCase() === value.toLowerCase()) ?? value;
}

function timestamp(text: string): string {
  if (
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text) ||
    Number.isNaN(Date.parse(text))
  )
    throw badReply('an entry whose timestamp is not a time with a zone');
  return text;
}

function metadataOf(value: unknown): DicomJson | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badReply('metadata that is not an object');
  return value as DicomJson;
}

function badReply(what: string): FeedStop {
  return new FeedStop('upstream_failed', `The DICOM service answered ${what}.`, {
    advice:
      'The next run tries again. If it stays, something between the app and the service changes the answers.',
  });
}
