// Answers the two change feed routes: v1 pages by ranges of sequences, v2 by rows of a time window.
import type { Archive } from './archive.ts';
import { byTime, defaultPartition, type Change } from './feed.ts';
import { readFeedQuery, readIncludeMetadata, type FeedQuery } from './feedQuery.ts';
import { compareInstants, formatInstant } from './instant.ts';

/** The JSON array of a page. Throws 400 for a bad query, and 500, 503 or 424 when the metadata of one entry cannot be read. */
export function changeFeedPage(archive: Archive, version: string, params: URLSearchParams): string {
  const windowed = version === 'v2';
  const query = readFeedQuery(params, windowed);
  const changes = windowed ? window(archive, query) : range(archive, query);
  return `[${changes.map((change) => entry(archive, change, query.includeMetadata)).join(',')}]`;
}

/** The JSON of the newest entry, undefined while there is none. In v2 that is the newest by time, which may not be the last sequence. */
export function changeFeedLatest(
  archive: Archive,
  version: string,
  params: URLSearchParams,
): string | undefined {
  const includeMetadata = readIncludeMetadata(params);
  const changes = archive.feed.changes();
  const latest = (version === 'v2' ? changes.sort(byTime) : changes).at(-1);
  return latest && entry(archive, latest, includeMetadata);
}

/** The limit bounds the range, not the number of rows in it: gaps make a page shorter or empty. */
function range(archive: Archive, { offset, limit }: FeedQuery): readonly Change[] {
  return archive.feed.changes().filter(({ row }) => {
    const sequence = BigInt(row.sequence);
    return sequence > offset && sequence <= offset + BigInt(limit);
  });
}

function window(archive: Archive, { offset, limit, start, end }: FeedQuery): readonly Change[] {
  const inside = archive.feed
    .changes()
    .filter(({ row }) => compareInstants(row.at, start) >= 0 && compareInstants(row.at, end) < 0);
  return inside.sort(byTime).slice(Number(offset), Number(offset) + limit);
}

function entry(archive: Archive, change: Change, includeMetadata: boolean): string {
  const { row, state, current, filePath } = change;
  const fields = {
    partitionName: row.partition ?? defaultPartition,
    studyInstanceUid: row.study,
    seriesInstanceUid: row.series,
    sopInstanceUid: row.sop,
    action: row.toldAs ?? row.action,
    timestamp: formatInstant(row.at),
    state,
    filePath,
    metadata: includeMetadata && current !== undefined ? archive.metadata(current) : undefined,
  };
  const documented = archive.documentedForm.current === true;
  const rest = JSON.stringify(documented ? asDocumented(fields) : fields);
  // Written by hand: JSON.stringify has no number for an int64.
  return `{"${documented ? 'S' : 's'}equence":${row.sequence},${rest.slice(1)}`;
}

function asDocumented(fields: { readonly action: string; readonly state: string }): object {
  const told = { ...fields, action: fields.action.toLowerCase(), state: fields.state.toLowerCase() };
  return Object.fromEntries(
    Object.entries(told).map(([key, value]) => [key.charAt(0).toUpperCase() + key.slice(1), value]),
  );
}
