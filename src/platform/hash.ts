// Digests used for names and for speaking about a person or a thing without naming it.
import { createHash } from 'node:crypto';

/** SHA-256 in lower-case hexadecimal, 64 characters. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** The first 16 hexadecimal characters of SHA-256: how a subject is named in logs, metrics and audit records. */
export function subjectHash(key: string): string {
  return sha256Hex(key).slice(0, 16);
}
