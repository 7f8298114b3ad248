// The benchmark of the token service: that its figures are measured, and that what must not be is found when it is there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as z from 'zod/mini';
import { CommunicationIdentityClient } from '@azure/communication-identity';
import { ManagedIdentityCredential } from '@azure/identity';
import { demo } from '../../local/demo.ts';
import { burst } from '../../bench/burst.ts';
import { takeCensus } from '../../bench/census.ts';
import { persist, type Ending, type Tally } from '../../bench/clients.ts';
import type { Answer } from '../../bench/http.ts';
import { latency, latencyFigures, measurePairs } from '../../bench/latency.ts';
import { missed, table, type Figure } from '../../bench/report.ts';
import { addFault } from '../../bench/standIns.ts';
import { median, mostWithin, percentile } from '../../bench/statistics.ts';
import { openTestbed, type Testbed } from '../../bench/testbed.ts';
import { ManualClock } from '../support/clock.ts';

const figureOf = (figures: readonly Figure[], name: string): number =>
  figures.find((figure) => figure.name === name)?.value ?? Number.NaN;
const small = { pairs: 4, users: 20, progress: () => undefined };

describe('pairs of calls', () => {
  async function ratioOf(appMs: number, sdkMs: number): Promise<number> {
    let now = 0;
    const order: string[] = [];
    const takes = (side: string, ms: number) => async () => {
      order.push(side);
      now += ms;
    };
    const calls = { app: takes('app', appMs), sdk: takes('sdk', sdkMs) };
    const durations = await measurePairs(calls, 3, () => now);
    assert.deepEqual(order, ['app', 'sdk', 'sdk', 'app', 'app', 'sdk']);
    return figureOf(latencyFigures(durations), 'ratio');
  }

  test('alternate, and their ratio is that of what they took', async () => {
    assert.equal(await ratioOf(24, 20), 1.2);
    assert.equal(await ratioOf(50, 20), 2.5);
  });

  test('miss the aim above 1.25', () => {
    const figures = (app: number) => [{ title: 't', figures: latencyFigures({ app: [app], sdk: [20] }) }];
    assert.deepEqual(missed(figures(25)), []);
    assert.deepEqual(missed(figures(25.1)), ['t: ratio of the medians']);
  });
});

test('the statistics are those of the textbook', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual([median([9, 1, 5]), median(values), percentile(values, 0.95)], [5, 50, 95]);
  assert.throws(() => median([]), RangeError);
  assert.equal(mostWithin([0, 10, 20, 30, 31, 32], 30), 5);
  assert.equal(mostWithin([], 30), 0);
});

test('the table shows each aim and whether it is met', () => {
  const figures = [
    { name: 'a', text: 'ratio', value: 1.3, atMost: 1.25 },
    { name: 'b', text: 'orphans', value: 0, atMost: 0 },
    { name: 'c', text: 'memory', value: null, unit: 'MiB' },
    { name: 'd', text: 'time', value: 12.345, unit: 's' },
  ];
  assert.deepEqual(table({ title: 'What', figures }).split('\n'), [
    'What',
    '  ratio         1.30  ✗ aim: at most 1.25',
    '  orphans          0  ✓ aim: at most 0',
    '  memory   not known',
    '  time       12.35 s',
  ]);
});

describe('a client', () => {
  const answer = (status: number, retryAfter?: number): Answer => ({
    ...{ status, retryAfter },
    text: JSON.stringify({ token: 't', user: { communicationUserId: '8:acs:one' } }),
  });

  /** The times, in seconds, at which it asked, and how it ended; `random` is 0.5. */
  async function asks(
    ...answers: (Answer | Error)[]
  ): Promise<{ at: number[]; ending: Ending; tally: Tally }> {
    const clock = new ManualClock();
    const begun = clock.monotonic();
    const at: number[] = [];
    const tally: Tally = new Map();
    const ask = async (): Promise<Answer> => {
      at.push((clock.monotonic() - begun) / 1000);
      const next = answers.shift() ?? assert.fail('it asked once more');
      if (next instanceof Error) throw next;
      return next;
    };
    const crowd = { ask, clock, random: () => 0.5, until: begun + 60_000 };
    const work = persist('bearer', crowd, tally);
    for (let second = 0; second < 120; second += 1) await clock.advance(1000);
    return { at, ending: await work, tally };
  }

  test('comes back when it was told to, and a little later by chance', async () => {
    const { at, ending, tally } = await asks(answer(503, 10), answer(429, 20), answer(200));
    assert.deepEqual(at, [0, 11, 33]);
    assert.equal(ending.kind === 'served' && ending.identity, '8:acs:one');
    assert.deepEqual(Object.fromEntries(tally), { 200: 1, 429: 1, 503: 1 });
  });

  test('goes away for good without a time to come back, or when that lies beyond the end', async () => {
    assert.equal((await asks(answer(503))).ending.kind, 'lost');
    assert.equal((await asks(answer(500))).ending.kind, 'lost');
    const broken = await asks(new Error('socket hang up'));
    assert.deepEqual([broken.ending.kind, broken.tally.get(0)], ['lost', 1]);
    assert.deepEqual((await asks(answer(503, 60))).ending, { kind: 'waiting' });
  });
});

test('the census finds an identity that no row names, and a user without one of their own', () => {
  const rows = [
    { rowKey: 'a', identities: ['1', '0'] },
    { rowKey: 'b', identities: ['2'] },
    { rowKey: 'c', identities: ['2'] },
    { rowKey: 'd', identities: [] },
  ];
  const served = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));
  assert.deepEqual(takeCensus(served({ a: '1' }), rows, ['0', '1', '2']), { orphans: 0, duplicates: 0 });
  assert.deepEqual(takeCensus(served({ a: '0' }), rows, ['1', '3', '4']), { orphans: 2, duplicates: 1 });
  assert.equal(takeCensus(served({ b: '2', c: '2', d: '5', e: '6' }), rows, []).duplicates, 4);
});

describe('on a testbed', async () => {
  const testbed = await openTestbed({ TOKEN_REQUESTS_PER_MINUTE: '1000' });
  after(() => testbed.close());

  test('a host that answers later has another ratio', async (t) => {
    const plain = (await latency(testbed, small)).figures;
    assert.ok(figureOf(plain, 'sdkMedian') >= 20, 'the latency of ACS is not in it');
    const { close, ...slow } = await slowed(testbed, 100);
    t.after(close);
    const { figures, title } = await latency(slow.testbed, small);
    assert.ok(figureOf(figures, 'appMedian') >= 120);
    assert.ok(figureOf(figures, 'ratio') > figureOf(plain, 'ratio') + 0.25);
    assert.deepEqual(missed([{ title, figures }]), [`${title}: ratio of the medians`]);
    assert.ok(figureOf(figures, 'memory') > 20);
  });

  test('a burst waits out what ACS throttles, and an identity of nobody is found', async () => {
    await addFault(testbed.faults, {
      service: 'communication',
      path: '^/identities$',
      skip: 1,
      times: 2,
      effect: { status: 429, headers: { 'Retry-After': '1' } },
    });
    await new CommunicationIdentityClient(
      demo.communicationEndpoint,
      new ManagedIdentityCredential(),
    ).createUser();
    const { figures, title } = await burst(testbed, small);
    const found = (name: string): number => figureOf(figures, name);
    assert.deepEqual([found('served'), found('answers200'), found('lost')], [20, 20, 0]);
    assert.deepEqual([found('acsThrottled'), found('acsCreates')], [2, 23 + 1]);
    assert.ok(found('answers503') >= 2);
    assert.ok(found('lastServed') >= 1);
    assert.deepEqual([found('orphans'), found('duplicates'), found('possibleOrphans')], [1, 0, 0]);
    assert.deepEqual(missed([{ title, figures }]), [`${title}: identities that no row names`]);
  });
});

/** The same testbed behind a proxy that takes its time. */
async function slowed(
  testbed: Testbed,
  delayMs: number,
): Promise<{ testbed: Testbed; close: () => Promise<void> }> {
  const proxy = createServer(({ method, url, headers }, reply) => {
    setTimeout(() => {
      const onward = request(testbed.host + (url ?? ''), { method, headers }, (answer) => {
        reply.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(reply);
      });
      onward.end();
    }, delayMs);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    testbed: { ...testbed, host: `http://127.0.0.1:${address.port}` },
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

describe('npm run bench', () => {
  const bench = (...args: string[]) => {
    const run = spawnSync(process.execPath, [join(import.meta.dirname, '../../bench/main.ts'), ...args], {
      encoding: 'utf8',
    });
    return { status: run.status, stdout: run.stdout, stderr: run.stderr };
  };

  test('says which benchmarks there are, and what an option must be', () => {
    const none = { status: 1, stdout: '' };
    assert.deepEqual(bench('tokns'), {
      ...none,
      stderr: 'There is no benchmark "tokns"; there is: tokens.\n',
    });
    assert.deepEqual(bench('--users', '0'), {
      ...none,
      stderr: '--users: found "0"; expected 1 to 20000.\n',
    });
    assert.match(bench('--pears', '5').stderr, /^Unknown option '--pears'[^\n]*\n$/);
  });

  test('reports both parts as JSON and exits as its aims say', () => {
    const { status, stdout, stderr } = bench('tokens', '--pairs', '3', '--users', '5', '--json');
    const figure = z.object({ name: z.string(), value: z.nullable(z.number()), text: z.string() });
    const shape = z.object({
      name: z.literal('tokens'),
      sections: z.array(z.object({ figures: z.array(figure) })),
      missed: z.array(z.string()),
    });
    const [report] = z.array(shape).parse(JSON.parse(stdout));
    const [first, second] = report?.sections ?? assert.fail('no report');
    const of = (name: string): number => figureOf(first?.figures ?? [], name);
    assert.equal(of('ratio'), of('appMedian') / of('sdkMedian'));
    assert.equal(figureOf(second?.figures ?? [], 'served'), 5);
    assert.equal(status, report?.missed.length === 0 ? 0 : 1, stderr);
  });
});
