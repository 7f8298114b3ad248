// Splits the body of a multipart/related request (RFC 2387) into its parts, byte for byte.
import { DicomRefusal } from './errors.ts';

export interface Part {
  /** Media type without parameters, lower case; empty when the part names none. */
  readonly type: string;
  readonly content: Buffer;
}

export interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const lineEnd = '\r\n';
const headersEnd = Buffer.from(lineEnd + lineEnd);

export function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = text.match(/(?:[^;"]|"[^"]*")+/g) ?? [];
  const parameters = rest.flatMap((one): [string, string][] => {
    const [, name = '', quoted, plain = ''] = /^\s*([^=\s]+)\s*=\s*(?:"([^"]*)"|(\S+))\s*$/.exec(one) ?? [];
    return name ? [[name.toLowerCase(), quoted ?? plain]] : [];
  });
  return { type: type.trim().toLowerCase(), parameters: new Map(parameters) };
}

/** Throws 400 when the body does not end with the closing boundary or a part has no end of its headers. */
export function splitMultipart(body: Buffer, boundary: string): readonly Part[] {
  // A line break in front makes the first boundary look like all the others.
  const framed = Buffer.concat([Buffer.from(lineEnd), body]);
  const delimiter = Buffer.from(`${lineEnd}--${boundary}`);
  const parts: Part[] = [];
  let at = framed.indexOf(delimiter);
  while (at >= 0) {
    const start = at + delimiter.length;
    if (framed.toString('latin1', start, start + 2) === '--') return parts;
    at = framed.indexOf(delimiter, start);
    const line = framed.indexOf(lineEnd, start);
    if (at < 0 || line < 0 || framed.toString('latin1', start, line).trim() !== '') throw broken();
    parts.push(readPart(framed.subarray(line, at)));
  }
  throw broken();
}

/** `bytes` starts with the line break that ends the boundary's own line, so that no headers at all are possible. */
function readPart(bytes: Buffer): Part {
  const end = bytes.indexOf(headersEnd);
  if (end < 0) throw broken();
  const header = /^content-type:(.*)$/im.exec(bytes.toString('latin1', 0, end));
  return { type: parseMediaType(header?.[1] ?? '').type, content: bytes.subarray(end + headersEnd.length) };
}

function broken(): DicomRefusal {
  return new DicomRefusal(400, 'There was an error reading the multipart request.');
}
