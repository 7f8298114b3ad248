// Builds the webhook's requests as CloudEvents 1.0 over HTTP says, and judges what is answered.
import {
  feedWebhookAnswerBytes,
  feedWebhookBatchBytes,
  feedWebhookBatchEvents,
  feedWebhookTimeoutMs,
} from '../platform/limits.ts';
import { askedPause, type RestReply, type RestRequest } from '../platform/restClient.ts';
import type { Secret } from '../platform/secret.ts';
import type { WebhookSettings } from '../platform/settings/types.ts';
import type { CloudEvent } from './events.ts';
import type { Answer } from './sink.ts';

export type WebhookMode = WebhookSettings['mode'];

/** What goes into one request each; an event above the bound goes alone, and the receiver says whether it takes it. */
export function portionsOf(events: readonly CloudEvent[], mode: WebhookMode): readonly CloudEvent[][] {
  const portions: CloudEvent[][] = [];
  let room = 0;
  for (const event of events) {
    const bytes = Buffer.byteLength(JSON.stringify(event)) + 1;
    const last = portions.at(-1);
    if (mode === 'batched' && last && last.length < feedWebhookBatchEvents && bytes <= room) last.push(event);
    else {
      portions.push([event]);
      room = feedWebhookBatchBytes;
    }
    room -= bytes;
  }
  return portions;
}

export function bodyOf(events: readonly CloudEvent[], mode: WebhookMode): string {
  return JSON.stringify(mode === 'batched' ? events : events[0]);
}

const types: Readonly<Record<WebhookMode, string>> = {
  structured: 'application/cloudevents+json; charset=utf-8',
  batched: 'application/cloudevents-batch+json; charset=utf-8',
};

export function webhookRequest(
  url: Secret,
  mode: WebhookMode,
  body: string,
  headers: Readonly<Record<string, string>>,
): RestRequest {
  return {
    operation: 'deliver',
    method: 'POST',
    url: url.reveal(),
    headers: { ...headers, 'content-type': types[mode] },
    body,
    timeoutMs: feedWebhookTimeoutMs,
    maxBytes: feedWebhookAnswerBytes,
  };
}

/** `again`: may pass by itself. `unauthorized`: a fresh credential may help. `down`: somebody has to look. */
export type Verdict =
  | Answer
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'again'; readonly why: string; readonly pauseMs?: number | undefined }
  | { readonly kind: 'down'; readonly why: string; readonly advice: string };

const refusing = new Set([400, 413, 422]);
const passing = new Set([408, 429]);

/** Never with the receiver's words: they may repeat what it was sent. */
export function judgeAnswer(reply: RestReply): Verdict {
  const { status } = reply;
  if (status >= 200 && status < 300)
    return isWebPage(reply) ? down('it answered with a web page', lost) : taken;
  if (refusing.has(status)) return { kind: 'refused', status };
  if (status === 401) return { kind: 'unauthorized' };
  if (status >= 500 || passing.has(status))
    return { kind: 'again', why: `it answered ${status}`, pauseMs: askedPause(reply) };
  return down(`it answered ${status}`, advice.get(status) ?? (status < 400 ? redirects : lost));
}

const taken: Verdict = { kind: 'taken' };
const lost = 'Check that CHANGE_FEED_WEBHOOK_URL leads to the receiver itself.';
const redirects = `A redirect is not followed, it may lead to a sign-in page. ${lost}`;
const advice = new Map([
  [403, 'The receiver does not let this app in: check CHANGE_FEED_WEBHOOK_AUTH, and its list of callers.'],
  [415, 'The receiver does not take this form: check CHANGE_FEED_WEBHOOK_MODE.'],
]);

function down(why: string, what: string): Verdict {
  return { kind: 'down', why, advice: what };
}

/**
 * Whoever answers 200 with a whole page of HTML is a sign-in or a start page that would swallow every change. A mere type of
 * text/html says nothing: frameworks put it on any short text.
 */
function isWebPage({ text }: RestReply): boolean {
  return /^\uFEFF?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)*<(?:!doctype\s+html|html[\s>])/i.test(
    text.slice(0, 4096),
  );
}
