// Everything outside the processes of the proofs, in memory: the feed, the storage account and the webhook's receiver.
import type { Cursor } from '../../../src/changeFeed/cursor.ts';
import type { CloudEvent } from '../../../src/changeFeed/events.ts';
import { newReplay, type Replay } from '../../../src/changeFeed/replay.ts';
import type { SinkName } from '../../../src/changeFeed/sink.ts';
import { FeedService } from '../feedService.ts';

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const settleMs = minuteMs;
export const auditMs = 60 * minuteMs;

export const service = 'https://feed.dicom.azurehealthcareapis.com';
export const { host } = new URL(service);
export const cursorPath = `state/change-feed/${host}/cursor.json`;
export const replaysPath = `state/change-feed/${host}/replays/`;

export interface Blob {
  readonly text: string;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
  lease?: { readonly id: string; readonly until: number } | undefined;
}

export class World {
  readonly sinks: readonly SinkName[];
  readonly feed = new FeedService();
  /** By container and path. */
  readonly blobs = new Map<string, Blob>();
  /** Highest epochs, by host. */
  readonly births = new Map<string, number>();
  readonly messages: CloudEvent[] = [];
  /** What the webhook took, in order. */
  readonly posted: CloudEvent[] = [];
  /** What it refuses for good. */
  readonly refused = new Set<number>();
  /** Requests that it does not answer before it is up again. */
  webhookFails = 0;
  webhookFailed = false;
  /** Lower epochs belong to feeds that are gone. */
  feedEpoch = 1;
  #etags = 0;

  constructor(sinks: readonly SinkName[]) {
    this.sinks = sinks;
  }

  nextEtag(): string {
    this.#etags += 1;
    return `etag-${String(this.#etags)}`;
  }

  /** As it is stored. */
  get cursor(): Cursor | undefined {
    const blob = this.blobs.get(cursorPath);
    return blob && (JSON.parse(blob.text) as Cursor);
  }

  /** As they are stored. */
  get replays(): Replay[] {
    const found = [...this.blobs].filter(([path]) => path.startsWith(replaysPath));
    return found.map(([, { text }]) => JSON.parse(text) as Replay);
  }

  /** Stores a replay of all that the cursor has passed, in slices of so many sequences. */
  beginReplay(slice: number): void {
    const id = '20260301T120102000-0f8c2a6d';
    const { epoch, committed: to } = this.cursor ?? { epoch: 0, committed: 0 };
    const startedAt = new Date(this.feed.time).toISOString();
    const replay = newReplay({ id, service, epoch, from: 1, to, sinks: this.sinks, startedAt });
    const text = JSON.stringify({ schema: 1, ...replay, slice });
    this.blobs.set(`${replaysPath}${id}.json`, { text, etag: this.nextEtag(), metadata: {} });
  }

  /** Draws a number whose change does not show before `commit`. */
  draw(): void {
    this.feed.change(Number.POSITIVE_INFINITY);
  }

  /** Lets the change that drew this number show. */
  commit(sequence: number): void {
    const { rows } = this.feed;
    rows.splice(
      0,
      rows.length,
      ...rows.map((row) => (row.entry.sequence === sequence ? { ...row, visibleFrom: 0 } : row)),
    );
  }

  changes(many: number): void {
    for (let n = 0; n < many; n += 1) this.feed.change();
  }

  copy(): World {
    const copy = new World(this.sinks);
    const { feed, blobs, births, messages, posted, refused, ...rest } = this;
    copy.feed.rows.push(...feed.rows);
    Object.assign(copy.feed, { last: feed.last, time: feed.time });
    for (const sequence of feed.poisoned) copy.feed.poisoned.add(sequence);
    for (const [path, blob] of blobs) copy.blobs.set(path, { ...blob });
    for (const [name, epoch] of births) copy.births.set(name, epoch);
    for (const sequence of refused) copy.refused.add(sequence);
    copy.messages.push(...messages);
    copy.posted.push(...posted);
    copy.#etags = this.#etags;
    const { webhookFails, webhookFailed, feedEpoch } = rest;
    return Object.assign(copy, { webhookFails, webhookFailed, feedEpoch });
  }

  /** The service is made anew under the same name, and has grown by as many changes. */
  replaceFeed(changes: number): void {
    const { feed } = this;
    feed.rows.length = 0;
    feed.last = 0;
    this.feedEpoch = (this.births.get(host) ?? 0) + 1;
    this.changes(changes);
    const others = feed.rows.map(({ entry, ...row }) => ({
      ...row,
      entry: { ...entry, sopInstanceUid: `${entry.sopInstanceUid}${String(this.feedEpoch)}` },
    }));
    feed.rows.splice(0, changes, ...others);
  }

  /** What exists, whether it shows already or not. */
  get truth(): string {
    const { feed, births, messages, posted, refused, webhookFails } = this;
    const rows = feed.rows.map(({ entry, visibleFrom }) => [entry.sopInstanceUid, visibleFrom <= feed.time]);
    const blobs = [...this.blobs].map(([path, { text, lease }]) => [path, text, lease]);
    const sent = [messages, posted].map((events) => events.map(({ id, late }) => `${id} ${String(late)}`));
    return JSON.stringify([rows, blobs, [...births], sent, [...refused], webhookFails]);
  }
}
