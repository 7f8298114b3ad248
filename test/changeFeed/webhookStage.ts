// A strict receiver of the webhook and a Key Vault, and a sink that posts to it.
import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { demo } from '../../local/demo.ts';
import { createKeyVault } from '../../local/standIns/keyVault.ts';
import { createSubscriber } from '../../local/standIns/subscriber.ts';
import type { SubscriberEvent } from '../../local/standIns/subscriberEvents.ts';
import { toEvent, type CloudEvent } from '../../src/changeFeed/events.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import type { Answer, RequestSink } from '../../src/changeFeed/sink.ts';
import { createWebhookSink } from '../../src/changeFeed/webhookSink.ts';
import { describeError } from '../../src/platform/log.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { WebhookSettings } from '../../src/platform/settings/types.ts';
import { startStandIns } from '../support/standIns.ts';
import { entryOf, service, startTime } from './feedWorld.ts';

export const received: SubscriberEvent[] = [];
export const asks: {
  bearer?: ((given: string | undefined) => Promise<boolean>) | undefined;
  signingKey?: (() => string) | undefined;
} = {};
export const cloud = await startStandIns(({ directory, tokens, now }) => {
  directory.grant(demo.managedIdentity.principalId, 'Key Vault Secrets Officer');
  const subscriber = createSubscriber({
    ...{ now, url: demo.webhookUrl },
    onEvents: (events) => received.push(...events),
    // What this receiver asks for differs from test to test.
    bearer: (given) => asks.bearer?.(given) ?? Promise.resolve(true),
    signingKey: () => asks.signingKey?.(),
  });
  return [subscriber, createKeyVault({ directory, tokens, now })];
});

export const waits: number[] = [];
const clock = {
  now: cloud.now,
  monotonic: cloud.now,
  sleep: (ms: number) => {
    waits.push(ms);
    cloud.advance(ms);
    return Promise.resolve();
  },
};
const { signal } = new AbortController();
export const offer = { signal, guard: () => undefined, remainingMs: () => 60_000 };

afterEach(() => {
  cloud.faults.clear();
  received.length = 0;
  waits.length = 0;
  asks.bearer = undefined;
  asks.signingKey = undefined;
});

export function sinkWith(settings: Partial<WebhookSettings> = {}): RequestSink {
  return createWebhookSink({
    settings: { url: new Secret(demo.webhookUrl), mode: 'structured', auth: { kind: 'none' }, ...settings },
    credential: cloud.credentialFor(demo.managedIdentity),
    ...{ httpClient: undefined, clock, random: () => 0.5 },
  });
}

export function eventsOf(count: number, metadata?: Readonly<Record<string, unknown>>): CloudEvent[] {
  return Array.from({ length: count }, (_, n) =>
    toEvent(
      { ...entryOf(n + 1, startTime), metadata },
      { service, epoch: 1, late: false, metadata: { kind: 'full' } },
    ),
  );
}
export const [one = assert.fail()] = eventsOf(1);

export async function deliver(sink: RequestSink, events: readonly CloudEvent[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const portion of sink.portions(events)) answers.push(await sink.offer(portion, offer));
  return answers;
}

export async function stopOf(work: Promise<unknown>): Promise<FeedStop> {
  const error = await work.then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof FeedStop, String(error));
  assert.equal(error.outcome, 'sink_down');
  const all = JSON.stringify([error.message, error.advice, describeError(error)]);
  assert.doesNotMatch(all, /telehealth\.example|canary|sig=|\/dicom|2\.25\./);
  return error;
}

export const asked = (): number => cloud.log.list('subscriber').length;
