// Stand-in for a system downstream that takes the change feed by webhook, and takes it as strictly as the standards allow.
import { Hono } from 'hono';
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { ownEffect, Override } from './effects.ts';
import type { Now, StandIn, StandInEnv } from './kit.ts';
import { readEvents, Unacceptable, type SubscriberEvent } from './subscriberEvents.ts';

export interface SubscriberOptions {
  readonly now: Now;
  /** Where it is posted to, with the key in its query that this receiver asks for. */
  readonly url: string;
  /** Base64 of the key that signatures are checked with; without one, unsigned requests are taken. */
  readonly signingKey?: () => string | undefined;
  /** Judges the `Authorization` header, where a bearer is asked for. */
  readonly bearer?: (authorization: string | undefined) => Promise<boolean>;
  readonly onEvents?: (events: readonly SubscriberEvent[]) => void;
}

const mostBytes = 1024 * 1024;
/** As Standard Webhooks recommends against replays. */
const toleranceSeconds = 300;
const refusal = z.strictObject({ refuse: z.int().check(z.positive()) });

export function createSubscriber(options: SubscriberOptions): StandIn {
  const app = new Hono<StandInEnv>();
  const place = new URL(options.url);
  const refused = new Override<number>();
  const ledger = new Ledger();
  app.onError((error, c) => {
    if (!(error instanceof Unacceptable)) throw error;
    return c.json({ error: error.message }, error.status);
  });
  app.all('*', async (c) => {
    const asked = new URL(c.req.url);
    if ((c.req.header('host') ?? '').replace(/:443$/, '') !== place.host || asked.pathname !== place.pathname)
      throw new Unacceptable(404, 'Nothing is here.');
    if (asked.search !== place.search) throw new Unacceptable(401, 'The key in the query is wrong.');
    if (c.req.method !== 'POST') throw new Unacceptable(405, 'Only POST.');
    const body = Buffer.from(await c.req.arrayBuffer());
    await authenticate(options, (name) => c.req.header(name), body);
    if (body.length > mostBytes) throw new Unacceptable(413, `More than ${mostBytes} bytes.`);
    const events = readEvents(c.req.header('content-type') ?? '', body);
    if (events.some(({ data }) => data.sequenceNumber === refused.current))
      throw new Unacceptable(422, 'A change that this system does not want.');
    ledger.enter(events);
    options.onEvents?.(events);
    return c.body(null, 202);
  });
  return {
    ...{ service: 'subscriber', app },
    state: () => ledger.shown(),
    effects: { refuse: ownEffect(refusal, ({ refuse }) => refused.set(refuse)) },
  };
}

type Header = (name: string) => string | undefined;

async function authenticate(
  { now, signingKey, bearer }: SubscriberOptions,
  header: Header,
  body: Buffer,
): Promise<void> {
  if (bearer && !(await bearer(header('authorization'))))
    throw new Unacceptable(401, 'The bearer is missing or wrong.');
  const key = signingKey?.();
  if (key !== undefined) checkSignature(Buffer.from(key, 'base64'), now() / 1000, header, body);
}

function checkSignature(key: Buffer, seconds: number, header: Header, body: Buffer): void {
  const [id = '', time = '', signature = ''] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    header,
  );
  if (!/^[^.]+$/.test(id) || !/^\d+$/.test(time))
    throw new Unacceptable(401, 'A header of the signature is missing or malformed.');
  if (Math.abs(seconds - Number(time)) > toleranceSeconds)
    throw new Unacceptable(401, 'The timestamp is too far from now.');
  const mac = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest('base64');
  const [expected, given] = [Buffer.from(`v1,${mac}`), Buffer.from(signature)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Unacceptable(401, 'The signature is wrong.');
}

/** What arrived of each service, by which a person or a test sees whether the feed keeps its promises. */
class Ledger {
  readonly #sources = new Map<
    string,
    { ids: Set<string>; latest: string; repeated: number; disordered: number }
  >();

  enter(events: readonly SubscriberEvent[]): void {
    for (const { source, id, sequence, late } of events) {
      const book = this.#sources.get(source) ?? { ids: new Set(), latest: '', repeated: 0, disordered: 0 };
      this.#sources.set(source, book);
      const place = `${(id.split('.')[0] ?? '').padStart(19, '0')}.${sequence}`;
      if (book.ids.has(id)) book.repeated += 1;
      else if (late !== true && place < book.latest) book.disordered += 1;
      else if (late !== true) book.latest = place;
      book.ids.add(id);
    }
  }

  /** Counts by service; never a UID. */
  shown(): unknown {
    return Object.fromEntries(
      [...this.#sources].map(([source, { ids, repeated, disordered }]) => [
        source,
        { changes: ids.size, repeated, disordered },
      ]),
    );
  }
}
