// Watches every call of a proof, and says which rule of the change feed was broken first.
import type { Cursor } from '../../../src/changeFeed/cursor.ts';
import type { CloudEvent } from '../../../src/changeFeed/events.ts';
import { covers } from '../../../src/changeFeed/intervals.ts';
import type { FeedOutcome } from '../../../src/changeFeed/outcome.ts';
import type { FeedReport } from '../../../src/changeFeed/report.ts';
import type { SinkName } from '../../../src/changeFeed/sink.ts';
import type { Violation } from '../../support/search.ts';
import { brokenByWrite, isOnRecord, isTaken, type Rule } from './rules.ts';
import type { Actor, Stage } from './stage.ts';
import type { Conditions } from './storage.ts';
import { cursorPath, host, replaysPath, type World } from './world.ts';

const places = ['blob', 'queue', 'webhook', 'letter'] as const;
type Place = (typeof places)[number];

export class Judge {
  violation: Violation<Rule> | undefined;
  readonly #world: World;
  readonly #stage: Stage;
  /** What each sink has, and what was buried instead of it, by id. */
  readonly #held: Readonly<Record<Place, Map<string, CloudEvent>>> = {
    ...{ blob: new Map(), queue: new Map(), webhook: new Map(), letter: new Map() },
  };
  readonly #texts = new Map<string, string>();
  /** The sequence of the newest live change that each sink has. */
  readonly #newest = new Map<SinkName, number>();
  /** Changes that an operator left out. */
  readonly #leftOut = new Set<string>();
  #moves = 0;

  constructor(world: World, stage: Stage) {
    this.#world = world;
    this.#stage = stage;
  }

  /** One that knows the same, of another play. */
  copy(world: World, stage: Stage): Judge {
    const copy = new Judge(world, stage);
    for (const place of places) for (const [id, event] of this.#held[place]) copy.#held[place].set(id, event);
    for (const [key, text] of this.#texts) copy.#texts.set(key, text);
    for (const [sink, sequence] of this.#newest) copy.#newest.set(sink, sequence);
    return copy;
  }

  violate(rule: Rule, what: string): void {
    this.violation ??= {
      rule,
      report: [...this.#stage.trace.map((step, n) => `  ${String(n + 1)}. ${step}`), `${rule}: ${what}`].join(
        '\n',
      ),
    };
  }

  /** How a run ended. What is `lost` or `fails` may end it in any way. */
  ended({ outcome, error }: Pick<FeedReport, 'outcome' | 'error'>): void {
    const { blobs, births, feedEpoch } = this.#world;
    const reasons: Partial<Record<FeedOutcome, boolean>> = {
      cursor_lost: !blobs.has(cursorPath),
      feed_reset: (births.get(host) ?? 0) < feedEpoch,
      failed: this.#stage.troubled,
      sink_down: this.#stage.troubled || this.#world.webhookFailed,
    };
    if (reasons[outcome] === false)
      this.violate('a run halts only for a reason', `${outcome}: ${error?.message ?? ''}`);
  }

  /** Whether a change is with a sink, or buried for it. */
  has(sink: SinkName, sopInstanceUid: string): boolean {
    const held = sink === 'webhook' ? [this.#held.webhook, this.#held.letter] : [this.#held[sink]];
    return held.some((one) =>
      [...one.values()].some(({ data }) => data.imageSopInstanceUid === sopInstanceUid),
    );
  }

  isLeftOut(sopInstanceUid: string): boolean {
    return this.#leftOut.has(sopInstanceUid);
  }

  asksToWrite(actor: Actor, path: string, text: string, conditions: Conditions): void {
    if (path.startsWith(replaysPath)) {
      this.#requireLease(actor, path);
      if (conditions.ifMatch === undefined) this.violate('every write is conditional', path);
      return;
    }
    if (path !== cursorPath) {
      this.#requireLease(actor, path);
      if (conditions.ifNoneMatch !== '*') this.violate('every write is conditional', path);
      if (path.startsWith('changes/') && path.endsWith('.ndjson')) {
        const events = eventsIn(text);
        this.asksToSend(actor, 'blob', events);
        this.#requireOnePath(path, events);
      }
      return;
    }
    const { ifMatch, ifNoneMatch, leaseId } = conditions;
    if (ifNoneMatch !== '*' && (ifMatch === undefined || leaseId === undefined))
      this.violate('every write is conditional', JSON.stringify(conditions));
    if (leaseId !== undefined) this.#requireLease(actor, 'the cursor');
  }

  asksToSend(actor: Actor, sink: SinkName, events: readonly CloudEvent[]): void {
    if (!this.#requireLease(actor, sink)) return;
    const { cursor, replays, births, feedEpoch } = this.#world;
    const lanes = replays.flatMap(({ epoch, lanes }) => lanes.map(({ pending }) => ({ epoch, pending })));
    const records = cursor ? [cursor, ...lanes] : [];
    const told = `${sink}: ${events.map(({ id }) => id).join(' ')} under ${JSON.stringify(records)}`;
    for (const event of events) {
      const on = records.filter((record) => isOnRecord(event, record));
      if (on.length === 0) this.violate('what is sent is on record', told);
      else if (on.every((record) => isTaken(event, sink, record)))
        this.violate('who took a range is not asked again', told);
    }
    const epoch = cursor?.epoch ?? 1;
    if ((births.get(host) ?? 0) < epoch) this.violate('the birth is on record before anything is sent', told);
    if (epoch < feedEpoch) this.violate('nothing of another feed is delivered', told);
  }

  arrived(actor: Actor, place: Place, events: readonly CloudEvent[]): void {
    const held = this.#held[place];
    for (const event of events) {
      const { id, data, late } = event;
      const content = JSON.stringify(this.#moves > 0 ? { ...event, late: undefined } : event);
      const before = this.#texts.get(id) ?? content;
      this.#texts.set(id, content);
      if (before !== content) this.violate('an id stands for one content', `${before} and ${content}`);
      if (held.has(id)) continue;
      held.set(id, event);
      if (place === 'letter' || place === 'queue' || late || !this.#holds(actor)) continue;
      const newest = this.#newest.get(place) ?? 0;
      this.#newest.set(place, data.sequenceNumber);
      if (data.sequenceNumber < newest)
        this.violate('a sink gets the changes in order', `${place} got ${id} after ${String(newest)}`);
    }
  }

  wrote(actor: Actor, path: string, before: string | undefined, text: string): void {
    if (path.startsWith('changes/')) {
      if (before === undefined && path.endsWith('.ndjson')) this.arrived(actor, 'blob', eventsIn(text));
    } else if (path === cursorPath) {
      this.#cursorWritten(actor, before, text);
    } else if (before === undefined && !path.startsWith(replaysPath)) this.#buried(path, text);
  }

  born(before: number | undefined, epoch: number): void {
    if (before !== undefined && epoch < before)
      this.violate('an epoch is never lowered', `the birth: ${String(before)} to ${String(epoch)}`);
  }

  #buried(path: string, text: string): void {
    const { epoch, entry } = JSON.parse(text) as {
      epoch: number;
      entry: { sequence: number; sopInstanceUid: string };
    };
    const id = `${String(epoch)}.${String(entry.sequence)}`;
    if (!this.#world.refused.has(entry.sequence)) this.violate('only what was refused is buried', path);
    const data = { imageSopInstanceUid: entry.sopInstanceUid } as CloudEvent['data'];
    this.#held.letter.set(id, { id, data } as CloudEvent);
  }

  #cursorWritten(actor: Actor, before: string | undefined, text: string): void {
    if (text.includes('2.25.')) this.violate('a cursor names nobody', text);
    const next = JSON.parse(text) as Cursor;
    if (actor.name.startsWith('operator')) {
      this.#moved(next);
      return;
    }
    const { births, feed, feedEpoch, sinks } = this.#world;
    if (before === undefined) {
      if (births.has(host)) this.violate('a lost cursor is not begun anew', text);
      this.#leaveOut(next);
    }
    const isOld = next.epoch < feedEpoch;
    const broken = brokenByWrite(before === undefined ? undefined : (JSON.parse(before) as Cursor), next, {
      entries: isOld ? [] : feed.rows.map(({ entry }) => entry),
      lacking: (uid) => (this.isLeftOut(uid) ? '' : sinks.filter((sink) => !this.has(sink, uid)).join()),
      now: this.#stage.now(),
    });
    for (const { rule, what } of broken) this.violate(rule, what);
  }

  #moved(next: Cursor): void {
    this.#moves += 1;
    this.#newest.clear();
    this.#leaveOut(next);
  }

  #leaveOut({ committed, crossed }: Cursor): void {
    for (const { entry } of this.#world.feed.rows)
      if (entry.sequence <= committed && !covers(crossed, entry.sequence))
        this.#leftOut.add(entry.sopInstanceUid);
  }

  /** However often a range is repeated, it goes into one blob, unless an operator moved the cursor. */
  #requireOnePath(path: string, events: readonly CloudEvent[]): void {
    const before = this.#texts.get(path);
    const ids = events.map(({ id }) => id).join(' ');
    this.#texts.set(path, ids);
    if (this.#moves === 0 && ((before ?? ids) !== ids || /\.[0-9a-f]{16}\.ndjson$/.test(path)))
      this.violate('a blob of a range holds what the range holds', `${path}: ${before ?? ''} and ${ids}`);
  }

  #holds(actor: Actor): boolean {
    const lease = this.#world.blobs.get(cursorPath)?.lease;
    return lease?.id === `lease of ${actor.name}` && lease.until > this.#stage.now();
  }

  #requireLease(actor: Actor, what: string): boolean {
    const holds = this.#holds(actor);
    if (!holds) this.violate('nothing is sent without the lease', `${actor.name}: ${what}`);
    return holds;
  }
}

export function eventsIn(text: string): CloudEvent[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as CloudEvent);
}
