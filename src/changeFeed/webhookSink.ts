// Delivers events as CloudEvents over HTTP to a webhook, in order, one request after the other.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Clock } from '../platform/clock.ts';
import { signInFailed } from '../platform/credential.ts';
import { isAppError } from '../platform/errors.ts';
import { feedReserveMs, feedWebhookPauseMs, feedWebhookTries } from '../platform/limits.ts';
import { createRestClient, type RestClient } from '../platform/restClient.ts';
import type { WebhookSettings } from '../platform/settings/types.ts';
import { FeedStop } from './outcome.ts';
import { createSigningKey } from './signingKey.ts';
import type { Offer, RequestSink } from './sink.ts';
import { bearerOf, signatureOf, unsigned, type WebhookAuthority } from './webhookAuth.ts';
import { bodyOf, judgeAnswer, portionsOf, webhookRequest, type Verdict } from './webhookRequests.ts';

export interface WebhookOptions {
  readonly settings: WebhookSettings;
  readonly credential: TokenCredential;
  readonly httpClient: HttpClient | undefined;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
}

type Events = Parameters<RequestSink['offer']>[0];

/** Contacts nothing before the first offer. */
export function createWebhookSink(options: WebhookOptions): RequestSink {
  const { settings, clock, random } = options;
  const { client, authority } = signedClient(options);

  /** One request of its own: the pipeline repeats nothing, because the guard is asked before each send. */
  async function send(events: Events, offer: Offer, attempt: number): Promise<Verdict> {
    const body = bodyOf(events, settings.mode);
    const headers = await authority.headers(events, body, offer.signal);
    offer.guard();
    try {
      const request = webhookRequest(settings.url, settings.mode, body, headers);
      return judgeAnswer(await client.send({ ...request, attempt, signal: offer.signal }));
    } catch (error) {
      offer.signal.throwIfAborted();
      return judgeFailure(error);
    }
  }

  return {
    name: 'webhook',
    portions: (events) => portionsOf(events, settings.mode),
    async offer(events, offer) {
      let verdict = await send(events, offer, 1);
      if (verdict.kind === 'unauthorized' && authority.refresh) {
        authority.refresh();
        verdict = await send(events, offer, 2);
      }
      for (let tries = 1; verdict.kind === 'again'; tries += 1) {
        const { why, pauseMs } = verdict;
        const pause = pauseMs ?? feedWebhookPauseMs * 2 ** (tries - 1) * (0.5 + random());
        if (tries >= feedWebhookTries || pause > offer.remainingMs() - feedReserveMs)
          throw stopped(why, mayPass, pauseMs);
        await clock.sleep(pause, offer.signal);
        verdict = await send(events, offer, tries + 1);
      }
      if (verdict.kind === 'unauthorized') throw stopped('it answered 401', wrongSender);
      if (verdict.kind === 'down') throw stopped(verdict.why, verdict.advice);
      return verdict;
    },
  };
}

function signedClient({ settings: { auth }, credential, httpClient, clock }: WebhookOptions): {
  readonly client: RestClient;
  readonly authority: WebhookAuthority;
} {
  const base = { service: 'webhook', maxRetries: 0, httpClient, secretUrls: true } as const;
  switch (auth.kind) {
    case 'none':
      return { client: createRestClient(base), authority: unsigned };
    case 'entra': {
      const client = createRestClient({ ...base, auth: { credential, scope: auth.scope } });
      const authority = bearerOf(() => {
        client.forgetToken();
      });
      return { client, authority };
    }
    case 'hmac': {
      const key = createSigningKey({ ...auth, credential, httpClient, clock });
      return { client: createRestClient(base), authority: signatureOf(key, clock.now) };
    }
  }
}

const wrongSender =
  'Check CHANGE_FEED_WEBHOOK_AUTH: the receiver does not believe that this app is the sender.';
const mayPass = 'Nothing, if it passes by itself: the next run tries again.';

/** The words of what failed may hold the URL, which is a secret: only a code of Node's goes on from here. */
function judgeFailure(error: unknown): Verdict {
  if (signInFailed(error)) {
    const advice = "The app's identity got no token for the scope of CHANGE_FEED_WEBHOOK_AUTH.";
    return { kind: 'down', why: 'the app could not sign in', advice };
  }
  if (isAppError(error, 'upstream_timeout'))
    return { kind: 'down', why: 'it did not answer in time', advice: mayPass };
  const code = systemCode(error);
  if (code !== undefined) return { kind: 'again', why: `the connection failed (${code})` };
  return { kind: 'down', why: 'its answer is not one that can be read', advice: wrongReceiver };
}

const wrongReceiver = 'Check that CHANGE_FEED_WEBHOOK_URL leads to the receiver itself.';

/** Such as `ECONNRESET` or `CERT_HAS_EXPIRED`. */
function systemCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
  }
  return undefined;
}

function stopped(why: string, advice: string, pauseMs?: number): FeedStop {
  return new FeedStop('sink_down', `The webhook did not take a change: ${why}.`, {
    advice: `${advice} The cursor stands still meanwhile; the service keeps every change.`,
    ...(pauseMs === undefined ? {} : { retryAfterSeconds: Math.ceil(pauseMs / 1000) }),
  });
}
