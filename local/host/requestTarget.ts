// Reads a raw request target as the real host's web server does: decoded path, merged query, and the URL the handler sees.

export interface RequestTarget {
  /** Decoded once, dot segments resolved; `%2F` is still `%2F`. */
  readonly path: string;
  /** Path and query as they appear in `request.url`. */
  readonly encoded: string;
  readonly query: ReadonlyMap<string, string>;
}

/** Undefined for a target that the web server answers with 400: not absolute, unprintable bytes, or `%00` in the path. */
export function readTarget(raw: string): RequestTarget | undefined {
  const mark = raw.indexOf('?');
  const rawPath = mark < 0 ? raw : raw.slice(0, mark);
  const search = mark < 0 ? '' : raw.slice(mark);
  if (!rawPath.startsWith('/') || /[^\x21-\x7e]/.test(raw) || /%00/.test(rawPath)) return undefined;
  const path = resolveDots(unescapeUtf8(rawPath, true));
  return { path, encoded: encodePath(path) + search, query: mergeQuery(search.slice(1)) };
}

/**
 * One entry per key whatever its letter case, under the spelling that came first, its values joined by commas.
 * Measured: empty values vanish from the joined text, and so does the difference between `a=1&a=2` and `a=1,2`.
 */
export function mergeQuery(search: string): Map<string, string> {
  const merged = new Map<string, { name: string; values: string[] }>();
  for (const pair of search.split('&').filter((text) => text !== '')) {
    const equals = pair.indexOf('=');
    const name = unescapeQuery(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : unescapeQuery(pair.slice(equals + 1));
    const entry = merged.get(name.toLowerCase()) ?? { name, values: [] };
    entry.values.push(value);
    merged.set(name.toLowerCase(), entry);
  }
  return new Map([...merged.values()].map(({ name, values }) => [name, joinValues(values)]));
}

/** How the real host joins what was sent several times, in headers and queries alike. */
export function joinValues(values: readonly string[]): string {
  return values.filter((value) => value !== '').join(',');
}

function unescapeQuery(text: string): string {
  return unescapeUtf8(text.replaceAll('+', ' '), false);
}

/** Decodes the escapes that form valid UTF-8 and leaves the others as they came (measured: `%ff` and `%zz` stay). */
function unescapeUtf8(text: string, keepSlash: boolean): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    let decoded = '';
    for (let at = 0; at < run.length;) {
      const piece = run.slice(at, at + 3 * sequenceLength(run.slice(at + 1, at + 3)));
      const text = keepSlash && piece.toLowerCase() === '%2f' ? undefined : decodePiece(piece);
      decoded += text ?? run.slice(at, at + 3);
      at += text === undefined ? 3 : piece.length;
    }
    return decoded;
  });
}

function sequenceLength(leadByte: string): number {
  const lead = Number.parseInt(leadByte, 16);
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function decodePiece(piece: string): string | undefined {
  try {
    return decodeURIComponent(piece);
  } catch {
    return undefined;
  }
}

function resolveDots(path: string): string {
  const segments: string[] = [];
  const parts = path.split('/').slice(1);
  for (const [index, part] of parts.entries()) {
    const dots = part === '.' || part === '..';
    if (part === '..') segments.pop();
    if (!dots) segments.push(part);
    else if (index === parts.length - 1) segments.push('');
  }
  return `/${segments.join('/')}`;
}

/** Measured: what still looks like an escape after decoding is taken for one, so `%2541` reaches the handler's URL as `%41`. */
function encodePath(path: string): string {
  return path.replace(/%[0-9a-f]{2}|[^\w\-.~!$&'()*+,;=:@/]/giu, (text) =>
    text.length === 3 && text.startsWith('%') ? text : encodeURIComponent(text),
  );
}
