// One run of the real source in a process of its own: everything it asks of the world goes over the stage.
import type { CloudEvent } from '../../../src/changeFeed/events.ts';
import type { ChangeFeedReader } from '../../../src/changeFeed/dicomChangeFeed.ts';
import type { Move } from '../../../src/changeFeed/moveCursor.ts';
import type { FeedReport } from '../../../src/changeFeed/report.ts';
import type { ServiceParts } from '../../../src/changeFeed/service.ts';
import type { Answer, RequestSink, Sink, SinkName } from '../../../src/changeFeed/sink.ts';
import type { ChangeFeedStart } from '../../../src/platform/settings/types.ts';
import { AppError } from '../../../src/platform/errors.ts';
import { quiet } from '../feedWorld.ts';
import type { Source } from './source.ts';
import type { Actor } from './stage.ts';
import { containerOf, queueOf, tableOf, type Place } from './storage.ts';
import { auditMs, service, settleMs } from './world.ts';

export interface Setting {
  readonly start?: ChangeFeedStart;
  readonly pageSize?: number;
  /** Whether metadata is delivered. */
  readonly metadata?: boolean;
}

export interface Scene extends Place {
  readonly source: Source;
  readonly setting: Setting;
}

export function pull(scene: Scene, actor: Actor): Promise<FeedReport> {
  return scene.source.pullService(partsOf(scene, actor), frameOf(), quiet);
}

export function move(scene: Scene, actor: Actor, wanted: Move): Promise<FeedReport> {
  return scene.source.moveCursor(partsOf(scene, actor), wanted, frameOf());
}

function frameOf(): { signal: AbortSignal; remainingMs: () => number } {
  return { signal: new AbortController().signal, remainingMs: () => 60_000 };
}

function partsOf(scene: Scene, actor: Actor): ServiceParts {
  const { stage, source, setting, world } = scene;
  const { start = { kind: 'beginning' }, pageSize = 2, metadata = false } = setting;
  const container = containerOf(scene, actor, 'state');
  const clock = stage.clockOf(actor);
  return {
    ...{ service, start, clock },
    rules: { pageSize, settleMs, auditMs, metadata: { kind: metadata ? 'full' : 'none' } },
    reader: readerOf(scene, actor),
    store: source.createCursorStore({ service, container, births: tableOf(scene, actor), clock }),
    replays: source.createReplayStore(container, service),
    deadLetters: source.createDeadLetters(container, service),
    sinks: world.sinks.map((name) => sinkOf(scene, actor, name)),
  };
}

function readerOf({ world, stage }: Scene, actor: Actor): ChangeFeedReader {
  const { feed } = world;
  const reader = feed.reader();
  const ask = <T>(name: string, go: () => Promise<T>): Promise<T> =>
    stage.call(actor, {
      name,
      go: () => {
        feed.time = stage.now();
        return go();
      },
    });
  const page: ChangeFeedReader['page'] = async (range, options, frame) => {
    const asked = stage.now();
    const found = await ask(`asks for ${String(range.from)} to ${String(range.to)}`, () =>
      reader.page(range, options, frame),
    );
    return { ...found, requestedAt: found.repliedAt - (stage.now() - asked) };
  };
  return {
    latest: (frame) => ask('asks for the newest', () => reader.latest(frame)),
    window: (window, frame) => ask('asks for a window', () => reader.window(window, frame)),
    page,
    answer: async (...asked) => {
      const found = await page(...asked);
      return { bytes: found.bytes, page: () => found };
    },
  };
}

function sinkOf(scene: Scene, actor: Actor, name: SinkName): Sink {
  const { source } = scene;
  switch (name) {
    case 'blob':
      return source.createBlobSink(containerOf(scene, actor, 'changes'));
    case 'queue':
      return source.createQueueSink(queueOf(scene, actor), containerOf(scene, actor, 'changes'));
    case 'webhook':
      return webhookOf(scene, actor);
  }
}

/** Takes events two a request. */
function webhookOf({ world, stage, judge, source }: Scene, actor: Actor): RequestSink {
  const down = (): never => {
    throw new source.FeedStop('sink_down', 'The webhook is down.', { advice: 'Wait.' });
  };
  const take = (events: readonly CloudEvent[]): Answer => {
    if (world.webhookFails > 0) {
      world.webhookFails -= 1;
      world.webhookFailed = true;
      return down();
    }
    if (events.some(({ data }) => world.refused.has(data.sequenceNumber)))
      return { kind: 'refused', status: 422 };
    world.posted.push(...events);
    judge.arrived(actor, 'webhook', events);
    return { kind: 'taken' };
  };
  return {
    name: 'webhook',
    portions: (events) =>
      Array.from({ length: Math.ceil(events.length / 2) }, (_, n) => events.slice(2 * n, 2 * n + 2)),
    async offer(events, { guard }) {
      guard();
      try {
        return await stage.call(actor, {
          name: 'offers changes',
          asked: () => {
            judge.asksToSend(actor, 'webhook', events);
          },
          go: () => take(events),
        });
      } catch (error) {
        // A request without an answer: the sink gives up after its own tries.
        return error instanceof AppError ? Promise.reject(error) : down();
      }
    },
  };
}
