// Proves to the webhook's receiver who sends: a bearer of the app's identity, a signature, or nothing.
import { createHmac } from 'node:crypto';
import { sha256Hex } from '../platform/hash.ts';
import type { CloudEvent } from './events.ts';
import type { SigningKey } from './signingKey.ts';

export interface WebhookAuthority {
  headers(
    events: readonly CloudEvent[],
    body: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
  /** After a 401: makes the next headers anew; absent where there is nothing that could be fresher. */
  readonly refresh?: () => void;
}

export const unsigned: WebhookAuthority = { headers: () => Promise.resolve({}) };

/** The token travels in the pipeline of the requests; `forgetToken` is that pipeline's. */
export function bearerOf(forgetToken: () => void): WebhookAuthority {
  return { ...unsigned, refresh: forgetToken };
}

/**
 * The headers of Standard Webhooks, for which receivers find libraries in many languages: HMAC-SHA256 over
 * `<webhook-id>.<webhook-timestamp>.<body>`. `now` is our clock, milliseconds.
 */
export function signatureOf(key: SigningKey, now: () => number): WebhookAuthority {
  return {
    async headers(events, body, signal) {
      const id = deliveryId(events);
      const secret = await key.current(signal);
      const time = String(Math.floor(now() / 1000));
      const signature = createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64');
      return { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` };
    },
    refresh: () => {
      key.forget();
    },
  };
}

/** Equal for every delivery of the same events; a digest, since the parts are joined by full stops and event ids hold one. */
function deliveryId(events: readonly CloudEvent[]): string {
  return sha256Hex(events.map(({ source, id }) => `${source} ${id}`).join('\n'));
}
