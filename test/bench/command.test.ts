// The command line of the benchmarks, with benchmarks that take no time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runBenchmarks } from '../../bench/command.ts';
import { table, type Benchmark, type BenchmarkOptions } from '../../bench/report.ts';

async function run(...args: string[]) {
  const printed: string[] = [];
  const complaints: string[] = [];
  const asked: Omit<BenchmarkOptions, 'progress'>[] = [];
  const played = (name: string, value: number): Benchmark => ({
    name,
    measures: `the ${name} thing`,
    async run({ pairs, users, clients, changes }) {
      asked.push({ pairs, users, clients, changes });
      return [{ title: 'Part', figures: [{ name: 'ratio', text: 'the ratio', value, atMost: 1 }] }];
    },
  });
  const code = await runBenchmarks(args, [played('good', 1), played('bad', 1.5)], {
    print: (text) => printed.push(text),
    complain: (text) => complaints.push(text),
    progress: () => undefined,
  });
  return { code, printed: printed.join('\n'), complaints: complaints.join('\n'), asked };
}

test('the exit code says whether an aim was missed, and the last words which one', async () => {
  const good = await run('good');
  assert.deepEqual([good.code, good.complaints, good.asked.length], [0, '', 1]);
  assert.match(good.printed, /^good: the good thing\n[^]*the ratio +1 +✓ aim: at most 1$/m);
  const bad = await run('bad');
  assert.deepEqual([bad.code, bad.complaints], [1, 'Missed:\n  Part: the ratio']);
});

test('without a name everything is measured, as large as the options say', async () => {
  const all = await run('--users', '20', '--pairs', '300', '--clients', '3', '--changes', '7');
  assert.deepEqual(
    [all.code, all.asked],
    [1, Array(2).fill({ users: 20, pairs: 300, clients: 3, changes: 7 })],
  );
  assert.deepEqual((await run('good')).asked, [{ users: 5000, pairs: 300, clients: 200, changes: 100_000 }]);
});

test('--json prints nothing but JSON, with what was missed', async () => {
  const { code, printed } = await run('bad', '--json');
  const figures = [{ name: 'ratio', text: 'the ratio', value: 1.5, atMost: 1 }];
  const sections = [{ title: 'Part', figures }];
  assert.deepEqual(JSON.parse(printed), [
    { name: 'bad', measures: 'the bad thing', sections, missed: ['Part: the ratio'] },
  ]);
  assert.equal(code, 1);
});

test('a wrong word is answered with what is expected, and nothing is measured', async () => {
  for (const [args, words] of [
    [['goood'], /^There is no benchmark "goood"; there is: good, bad\.$/],
    [['--users', '0'], /^--users: found "0"; expected 1 to 20000\.$/],
    [['--pairs', '301'], /^--pairs: found "301"; expected 1 to 300\.$/],
    [['--clients', '301'], /^--clients: found "301"; expected 1 to 300\.$/],
    [['--changes', '0'], /^--changes: found "0"; expected 1 to 200000\.$/],
    [['--pears', '5'], /^Unknown option '--pears'/],
  ] as const) {
    const { code, printed, complaints, asked } = await run(...args);
    assert.deepEqual([code, printed, asked], [1, '', []]);
    assert.match(complaints, words);
  }
});

test('--help names every benchmark and option, and nothing is measured', async () => {
  const { code, printed, complaints, asked } = await run('--help');
  assert.deepEqual([code, complaints, asked], [0, '', []]);
  assert.match(printed, /^Usage: npm run bench -- \[<name> …\] \[options\]$/m);
  assert.match(printed, /^ +good +the good thing$/m);
  for (const option of ['--pairs', '--users', '--clients', '--json', '--help'])
    assert.match(printed, new RegExp(`^  ${option} `, 'm'));
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
