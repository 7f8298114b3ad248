// `npm run bench`: measures what is named, or everything, and fails when an aim is missed.
import { parseArgs } from 'node:util';
import { PortError } from '../local/ports.ts';
import { readForPeople, StartError } from '../local/interrupt.ts';
import { mostPairs } from './latency.ts';
import { missed, table, type Benchmark, type BenchmarkOptions } from './report.ts';
import { tokens } from './tokens.ts';

const benchmarks: readonly Benchmark[] = [tokens];

interface Order {
  readonly chosen: readonly Benchmark[];
  readonly json: boolean;
  readonly options: BenchmarkOptions;
}

function readOrder(): Order {
  const { values, positionals } = readForPeople(() =>
    parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        pairs: { type: 'string', default: '400' },
        users: { type: 'string', default: '5000' },
      },
    }),
  );
  const chosen = positionals.length === 0 ? benchmarks : positionals.map(benchmark);
  const pairs = count('--pairs', values.pairs, mostPairs);
  const users = count('--users', values.users, 20_000);
  return { chosen, json: values.json, options: { pairs, users, progress } };
}

function benchmark(name: string): Benchmark {
  const found = benchmarks.find((one) => one.name === name);
  if (found) return found;
  const known = benchmarks.map((one) => one.name).join(', ');
  throw new StartError(`There is no benchmark "${name}"; there is: ${known}.`);
}

function count(option: string, text: string, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new StartError(`${option}: found "${text}"; expected 1 to ${most}.`);
}

/** One line that is written over, and only where somebody looks on. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}

async function main({ chosen, json, options }: Order): Promise<void> {
  const reports = [];
  for (const one of chosen) {
    const { name, measures } = one;
    if (!json) console.log(`${name}: ${measures}\n`);
    const sections = await one.run(options);
    progress('');
    reports.push({ name, measures, sections, missed: missed(sections) });
    if (!json) console.log(`${sections.map(table).join('\n\n')}\n`);
  }
  if (json) console.log(JSON.stringify(reports, null, 2));
  const all = reports.flatMap((report) => report.missed);
  if (all.length === 0) return;
  console.error(`Missed:\n${all.map((line) => `  ${line}`).join('\n')}`);
  process.exitCode = 1;
}

try {
  await main(readOrder());
} catch (error) {
  if (!(error instanceof StartError) && !(error instanceof PortError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
