// Who calls ACS: a request signed with the resource's access key, or a bearer token of a principal that holds the role.
import type { Context } from 'hono';
import { createHash, createHmac } from 'node:crypto';
import type { Directory } from '../directory.ts';
import type { Now, StandInEnv } from '../kit.ts';
import type { TokenOffice } from '../tokens.ts';
import { refused } from './errors.ts';

export interface CallerOptions {
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly now: Now;
  /** Host name of the one resource that exists, e.g. `telehealth-demo.communication.azure.com`. */
  readonly endpointHost: string;
  /** Base64, as the portal shows it. */
  readonly accessKey: string;
}

const audience = 'https://communication.azure.com';
const signedHeaders = 'x-ms-date;host;x-ms-content-sha256';
const maxSkewMs = 5 * 60 * 1000;

/** Throws `CommunicationError` (401 Denied) for a request that the resource would not take; `body` is what was sent. */
export async function checkCaller(
  c: Context<StandInEnv>,
  body: Buffer,
  options: CallerOptions,
): Promise<void> {
  const host = (c.req.header('host') ?? '').toLowerCase();
  if (host !== options.endpointHost.toLowerCase()) throw refused.caller();
  const authorization = c.req.header('authorization');
  const allowed = authorization?.startsWith('HMAC-SHA256 ')
    ? isSigned(c, body, options)
    : await holdsRole(authorization, options);
  if (!allowed) throw refused.caller();
}

/** The path is signed as it was sent, percent-encoded, hence the raw URL (measured). */
function isSigned(c: Context<StandInEnv>, body: Buffer, { accessKey, now }: CallerOptions): boolean {
  const date = c.req.header('x-ms-date') ?? '';
  const skew = Math.abs(Date.parse(date) - now());
  if (Number.isNaN(skew) || skew > maxSkewMs) return false;
  const hash = createHash('sha256').update(body).digest('base64');
  if (c.req.header('x-ms-content-sha256') !== hash) return false;
  const text = `${c.req.method}\n${c.env.incoming.url ?? ''}\n${date};${c.req.header('host') ?? ''};${hash}`;
  const signature = createHmac('sha256', Buffer.from(accessKey, 'base64')).update(text).digest('base64');
  return (
    c.req.header('authorization') === `HMAC-SHA256 SignedHeaders=${signedHeaders}&Signature=${signature}`
  );
}

async function holdsRole(
  authorization: string | undefined,
  { tokens, directory }: CallerOptions,
): Promise<boolean> {
  const judged = await tokens.judge(authorization, audience, `${audience}/`);
  if (!judged.ok || judged.claims['tid'] !== directory.tenantId) return false;
  return directory.has(String(judged.claims['oid']), 'Communication and Email Service Owner');
}
