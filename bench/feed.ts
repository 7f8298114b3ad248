// The benchmark `feed`: the change feed's puller against a reader of one page at a time, its memory, and what storage is asked.
import { misplaced, openBackends, run, type FeedBackends, type PullResult, type Side } from './feedRuns.ts';
import type { Benchmark, Figure, Section } from './report.ts';

const latencyMs = 30;
/** The long run has this many times the changes of the one that is compared, and the one with metadata that part of them. */
const factor = 10;
const leastSpeedUp = 8;
const mostMib = 200;
/** A range and the pages ahead of it are up to eight megabytes each, which take several times that once they are taken apart. */
export const mostMibWithMetadata = 400;

export const feed: Benchmark = {
  name: 'feed',
  measures: `pulling and delivering changes, against reading them page by page, ${latencyMs} ms a page; then ten times as many, and a tenth with metadata`,
  run: ({ changes, progress }) => measureFeed(changes, progress),
};

export async function measureFeed(
  changes: number,
  progress: (text: string) => void,
): Promise<readonly Section[]> {
  return [
    await within(changes, async (backends) => {
      progress(`reading ${changes} changes page by page …`);
      const read = await run('read', backends, 'read', changes);
      progress(`pulling ${changes} changes …`);
      const { pulled, wrong } = await pull(backends, changes);
      const title = `${changes} changes, ${latencyMs} ms a page, delivered to blobs`;
      return { title, figures: [...compared(read, pulled), ...always(pulled, wrong, changes)] };
    }),
    await within(changes * factor, async (backends) => {
      progress(`pulling ${changes * factor} changes …`);
      const { pulled, wrong } = await pull(backends, changes * factor);
      const figures = [secondsOf(pulled), ...always(pulled, wrong, changes * factor)];
      return { title: `${changes * factor} changes`, figures };
    }),
    await within(Math.ceil(changes / factor), async (backends) => {
      const some = Math.ceil(changes / factor);
      progress(`pulling ${some} changes with metadata …`);
      const { pulled, wrong } = await pull(backends, some, 'pullAll');
      return {
        title: `${some} changes with 10 kB of metadata each`,
        figures: [secondsOf(pulled), ...always(pulled, wrong, some, mostMibWithMetadata)],
      };
    }),
  ];
}

async function within(changes: number, work: (backends: FeedBackends) => Promise<Section>): Promise<Section> {
  const backends = await openBackends(changes, latencyMs);
  try {
    return await work(backends);
  } finally {
    await backends.close();
  }
}

async function pull(
  backends: FeedBackends,
  changes: number,
  side: Side = 'pull',
): Promise<{ readonly pulled: PullResult; readonly wrong: number }> {
  const pulled = await run(side, backends, 'pulled', changes);
  return { pulled, wrong: await misplaced(backends.storage, 'pulled', changes) };
}

function secondsOf({ seconds }: PullResult): Figure {
  return { name: 'seconds', text: 'the puller, delivery included', value: seconds, unit: 's' };
}

export function compared(read: PullResult, pulled: PullResult): readonly Figure[] {
  return [
    { name: 'readSeconds', text: 'page by page, without delivery', value: read.seconds, unit: 's' },
    secondsOf(pulled),
    { name: 'speedUp', text: 'how many times as fast', value: read.seconds / pulled.seconds },
    {
      name: 'share',
      text: 'share of the time',
      value: pulled.seconds / read.seconds,
      atMost: 1 / leastSpeedUp,
    },
  ];
}

export function always(
  pulled: PullResult,
  wrong: number,
  changes: number,
  atMost = mostMib,
): readonly Figure[] {
  const perThousand = (1000 * pulled.stored) / changes;
  return [
    { name: 'misplaced', text: 'changes missing or out of order', value: wrong, atMost: 0 },
    {
      name: 'memory',
      text: 'most memory, with the heap of a 2 GB instance',
      value: pulled.peakMib,
      unit: 'MiB',
      atMost,
    },
    {
      name: 'cpu',
      text: 'processor time per 1,000 changes',
      value: (1000 * pulled.cpuMs) / changes,
      unit: 'ms',
    },
    { name: 'pages', text: 'requests to the feed', value: pulled.pages },
    { name: 'storage', text: 'requests to storage per 1,000 changes', value: perThousand },
  ];
}
