// The stand-in for a system downstream takes nothing but CloudEvents of this feed, in the right place, from the right sender.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import { createSubscriber, type SubscriberOptions } from '../../../local/standIns/subscriber.ts';
import { toEvent } from '../../../src/changeFeed/events.ts';
import { entryOf, service, startTime } from '../../changeFeed/feedWorld.ts';

const structured = 'application/cloudevents+json';
const batched = 'application/cloudevents-batch+json';
const eventOf = (sequence: number, late = false) =>
  toEvent(entryOf(sequence, startTime), { service, epoch: 1, late, metadata: { kind: 'none' } });
const event = eventOf(7);

interface Sent {
  readonly url?: string;
  readonly method?: string;
  readonly type?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function subscriber(options: Partial<SubscriberOptions> = {}) {
  const standIn = createSubscriber({ now: () => startTime, url: demo.webhookUrl, ...options });
  const post = async ({ url = demo.webhookUrl, method = 'POST', ...sent }: Sent = {}): Promise<number> => {
    const { type = structured, body = event, headers } = sent;
    const content = typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body);
    const { host } = new URL(url);
    const init = { method, headers: { host, 'content-type': type, ...headers } };
    const request = new Request(url, method === 'GET' ? init : { ...init, body: new Blob([content]) });
    return (await standIn.app.request(request)).status;
  };
  return { post, state: () => standIn.state() };
}

test('what comes to another place, with another key or method is refused', async () => {
  const { post } = subscriber();
  assert.equal(await post(), 202);
  assert.equal(await post({ url: demo.webhookUrl.replace('/dicom', '/other') }), 404);
  assert.equal(await post({ url: demo.webhookUrl.replace('//changes', '//other') }), 404);
  assert.equal(await post({ url: demo.webhookUrl.replace('sig=local', 'sig=other') }), 401);
  assert.equal(await post({ method: 'GET' }), 405);
});

test('what is not a CloudEvent of this feed to the letter is refused', async () => {
  const { post } = subscriber();
  const { data } = event;
  const { id: _, ...nameless } = event;
  const bad: readonly unknown[] = [
    ...['{', '', [], event.id, nameless, { ...event, specversion: '0.3' }, { ...event, id: '7' }],
    ...[
      { ...event, source: 'feed' },
      { ...event, type: 'Other' },
      { ...event, time: '2026-01-01T00:00:00' },
    ],
    ...[
      { ...event, sequence: '7' },
      { ...event, extra: 1 },
      { ...event, late: false },
    ],
    ...[
      { ...event, id: '1.8' },
      { ...event, sequence: '0000000000000000008' },
      { ...event, subject: '/v2/x' },
    ],
    { ...event, data: { ...data, sequenceNumber: 8 } },
    { ...event, data: { ...data, serviceHostName: 'other.example' } },
    { ...event, data: { ...data, imageSopInstanceUid: '1.2.3' } },
    { ...event, data: { ...data, imageSopInstanceUid: 'x' } },
    { ...event, data: { ...data, metadata: { Modality: 'CT' } } },
    Buffer.from(JSON.stringify({ ...event, data: { ...data, partitionName: 'Santé' } }), 'latin1'),
  ];
  for (const body of bad) assert.equal(await post({ body }), 400, JSON.stringify(body));
  assert.equal(await post({ body: { ...event, source: `${service}/` } }), 202);
});

test('a batch has a type of its own, at least one event, and none twice', async () => {
  const { post } = subscriber();
  assert.equal(await post({ type: `${batched}; charset=utf-8`, body: [event, eventOf(8)] }), 202);
  for (const body of [[], [event, event], event]) assert.equal(await post({ type: batched, body }), 400);
  for (const type of ['application/json', `${structured}; charset=latin1`, 'text/plain', ''])
    assert.equal(await post({ type }), 415, type);
  assert.equal(await post({ type: batched, body: 'x'.repeat(2 ** 20 + 1) }), 413);
});

test('where a signature or a bearer is asked for, nothing else will do', async () => {
  const key = randomBytes(32);
  const { post } = subscriber({ signingKey: () => key.toString('base64') });
  const signed = (
    time: number,
    over = `x.${time}.${JSON.stringify(event)}`,
  ): Readonly<Record<string, string>> => ({
    'webhook-id': 'x',
    'webhook-timestamp': String(time),
    'webhook-signature': `v1,${createHmac('sha256', key).update(over).digest('base64')}`,
  });
  const now = startTime / 1000;
  assert.equal(await post({ headers: signed(now - 299) }), 202);
  for (const headers of [
    {},
    signed(now - 301),
    signed(now + 301),
    signed(now, 'x'),
    { ...signed(now), 'webhook-id': 'y' },
  ])
    assert.equal(await post({ headers }), 401);
  const asking = subscriber({ bearer: async (given) => given === 'Bearer good' });
  assert.equal(await asking.post({ headers: { authorization: 'Bearer good' } }), 202);
  assert.equal(await asking.post(), 401);
});

test('the state counts changes, repetitions and disorder, but takes late ones as they come', async () => {
  const { post, state } = subscriber();
  for (const [sequence, late] of [[1], [3], [3], [2], [6], [5, true], [1]] as const)
    await post({ body: eventOf(sequence, late) });
  assert.deepEqual(state(), { [service]: { changes: 5, repeated: 2, disordered: 1 } });
});
