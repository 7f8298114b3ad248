// The command line of the benchmarks: measures what is named, or everything, and judges whether the aims are met.
import { parseArgs } from 'node:util';
import { readForPeople, StartError } from '../local/interrupt.ts';
import { PortError } from '../local/ports.ts';
import { missed, table, type Benchmark } from './report.ts';

export interface Output {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** How far it has come; each text takes the place of the one before. */
  readonly progress: (text: string) => void;
}

interface Order {
  readonly chosen: readonly Benchmark[];
  readonly json: boolean;
  readonly pairs: number;
  readonly users: number;
  readonly clients: number;
  readonly changes: number;
}

/** Both sides of a pair issue a token, those before the ones that count too, and ACS takes 1000 in 30 seconds. */
const mostPairs = 300;
const mostUsers = 20_000;
/** Their setting is one variable of the environment, and the stand-ins remember 10,000 requests. */
const mostClients = 300;
/** Ten times as many have to fit into one run of the puller, and onto the disk. */
const mostChanges = 200_000;

function help(benchmarks: readonly Benchmark[]): string {
  const width = Math.max(...benchmarks.map(({ name }) => name.length)) + 2;
  const names = benchmarks.map(({ name, measures }) => `  ${name.padEnd(width)}${measures}`);
  return `Usage: npm run bench -- [<name> …] [options]

Without a name every one is run:
${names.join('\n')}

  --pairs <n>    calls measured in turn with the SDK alone (tokens), default 300, at most ${mostPairs}
  --users <n>    new users of the burst (tokens), default 5000, at most ${mostUsers}
  --clients <n>  service clients (rotation), default 200, at most ${mostClients}
  --changes <n>  changes read and pulled, then ten times as many pulled (feed), default 100000, at most ${mostChanges}
  --json         nothing but JSON on stdout
  --help         this text

The exit code is 1 when an aim is missed.`;
}

/** Answers the exit code: 1 when an aim is missed, or when what was asked for makes no sense or cannot be started. */
export async function runBenchmarks(
  args: readonly string[],
  benchmarks: readonly Benchmark[],
  output: Output,
): Promise<0 | 1> {
  try {
    const order = readOrder(args, benchmarks);
    if (order !== 'help') return await measure(order, output);
    output.print(help(benchmarks));
    return 0;
  } catch (error) {
    if (!(error instanceof StartError) && !(error instanceof PortError)) throw error;
    output.complain(error.message);
    return 1;
  }
}

function readOrder(args: readonly string[], benchmarks: readonly Benchmark[]): Order | 'help' {
  const { values, positionals } = readForPeople(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        pairs: { type: 'string', default: '300' },
        users: { type: 'string', default: '5000' },
        clients: { type: 'string', default: '200' },
        changes: { type: 'string', default: '100000' },
        help: { type: 'boolean', default: false },
      },
    }),
  );
  if (values.help) return 'help';
  return {
    chosen: positionals.length === 0 ? benchmarks : positionals.map((name) => named(name, benchmarks)),
    json: values.json,
    pairs: count('--pairs', values.pairs, mostPairs),
    users: count('--users', values.users, mostUsers),
    clients: count('--clients', values.clients, mostClients),
    changes: count('--changes', values.changes, mostChanges),
  };
}

function named(name: string, benchmarks: readonly Benchmark[]): Benchmark {
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

async function measure({ chosen, json, ...size }: Order, output: Output): Promise<0 | 1> {
  const reports = [];
  for (const one of chosen) {
    const { name, measures } = one;
    if (!json) output.print(`${name}: ${measures}\n`);
    const sections = await one.run({ ...size, progress: output.progress });
    output.progress('');
    reports.push({ name, measures, sections, missed: missed(sections) });
    if (!json) output.print(`${sections.map(table).join('\n\n')}\n`);
  }
  if (json) output.print(JSON.stringify(reports, null, 2));
  const all = reports.flatMap((report) => report.missed);
  if (all.length === 0) return 0;
  output.complain(`Missed:\n${all.map((line) => `  ${line}`).join('\n')}`);
  return 1;
}
