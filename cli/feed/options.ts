// The commands of `feed`: what each is told by its options, and what is said about one that cannot be meant.
import type { SinkName } from '../../src/platform/settings/types.ts';
import {
  accessOf,
  accessProblems,
  accessSpecification,
  type AccessOptions,
  type Environment,
} from '../app/options.ts';
import { readWords, UsageError } from '../commandLine.ts';
import { specification, ValueReader, type Values } from './values.ts';

/** Sequences, or times in ISO 8601; as the route takes it, but for the service and the reason. */
export interface ReplayRange {
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly sinks: readonly SinkName[] | undefined;
}

/** URL of a service, or a name to be found among the configured ones; undefined: the only one. */
type Which = string | undefined;

export interface CursorMove {
  readonly command: 'set-cursor';
  readonly service: Which;
  readonly sequence: number;
  readonly expect: number | null;
  readonly reason: string;
  readonly yes: boolean;
}

export interface ReplayStart {
  readonly command: 'replay';
  readonly service: Which;
  readonly range: ReplayRange;
  readonly reason: string;
  readonly wait: boolean;
}

export interface Cancel {
  readonly command: 'cancel';
  readonly id: string;
  readonly reason: string | undefined;
}

export interface Redrive {
  readonly command: 'redrive';
  readonly service: Which;
  readonly reason: string;
}

export type FeedCommand =
  | { readonly command: 'status'; readonly service: Which }
  | { readonly command: 'status of a replay'; readonly id: string; readonly wait: boolean }
  | { readonly command: 'run' }
  | ReplayStart
  | Cancel
  | Redrive
  | CursorMove;

export type FeedOptions = FeedCommand & { readonly access: AccessOptions; readonly json: boolean };

/** Which options have a meaning with a command, beside those of the access. */
const meant = {
  status: ['service', 'wait'],
  run: [],
  replay: ['service', 'from', 'to', 'since', 'until', 'sinks', 'reason', 'wait'],
  cancel: ['reason'],
  redrive: ['service', 'reason'],
  'set-cursor': ['service', 'sequence', 'expect', 'reason', 'yes'],
} as const satisfies Record<string, readonly (keyof Values)[]>;
type Word = keyof typeof meant;

const words = ['status', 'run', 'replay', 'cancel', 'redrive', 'set-cursor'] as const satisfies Word[];

/** Answers 'help' where that was asked for. Throws `UsageError`, which names every option that is wrong. */
export function readFeedOptions(args: readonly string[], environment: Environment): FeedOptions | 'help' {
  const { values, positionals } = readWords(args, specification);
  if (values.help) return 'help';
  const [first, id, ...rest] = positionals;
  const word = words.find((one) => one === first);
  const takesId = word === 'status' || word === 'cancel';
  if (word === undefined || rest.length > 0 || (id !== undefined && !takesId)) {
    const found = positionals.length === 0 ? 'nothing' : `"${positionals.join(' ')}"`;
    throw new UsageError(
      `Expected status, run, replay, cancel, redrive or set-cursor; found ${found}. --help says what they do.`,
    );
  }
  const reader = new ValueReader(values);
  const known: readonly string[] = [...Object.keys(accessSpecification), ...meant[word]];
  for (const [name, value] of Object.entries(values))
    reader.refuse(value !== false && !known.includes(name), `--${name}: not with ${word}`);
  const command = readCommand(word, id, reader);
  const problems = [...reader.problems, ...accessProblems(values, environment)];
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}\n--help lists the options.`);
  return { ...command, json: values.json, access: accessOf(values, environment) };
}

function readCommand(word: Word, id: string | undefined, reader: ValueReader): FeedCommand {
  const { service, wait } = reader.values;
  switch (word) {
    case 'status':
      return readStatus(id, reader);
    case 'run':
      return { command: word };
    case 'replay':
      return { command: word, service, range: readRange(reader), reason: reader.reason(), wait };
    case 'cancel':
      return { command: word, id: readId(id, reader), reason: reader.optionalReason() };
    case 'redrive':
      return { command: word, service, reason: reader.reason() };
    case 'set-cursor':
      return readMove(reader);
  }
}

/** What is no id must not become another path. */
function readId(id: string | undefined, reader: ValueReader): string {
  const isId = id !== undefined && /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id);
  reader.refuse(!isId, 'The id of a replay: expected letters, digits and dashes, as status shows it');
  return id ?? '';
}

function readStatus(id: string | undefined, reader: ValueReader): FeedCommand {
  const { service, wait, json } = reader.values;
  if (id === undefined) {
    reader.refuse(wait, '--wait: only with the id of a replay');
    reader.refuse(json && service !== undefined, '--service: not together with --json, which prints all');
    return { command: 'status', service };
  }
  reader.refuse(service !== undefined, '--service: not together with the id of a replay');
  return { command: 'status of a replay', id: readId(id, reader), wait };
}

function readRange(reader: ValueReader): ReplayRange {
  const [from, to] = [reader.sequence('from', 1), reader.sequence('to', 1)];
  const [since, until] = [reader.time('since'), reader.time('until')];
  const { values } = reader;
  const bySequence = values.from !== undefined || values.to !== undefined;
  const byTime = values.since !== undefined || values.until !== undefined;
  if (bySequence && byTime) reader.refuse(true, '--from and --to: not together with --since and --until');
  else if (byTime)
    reader.refuse(values.since === undefined, '--since: missing; expected the time of the first change');
  else
    reader.refuse(
      values.from === undefined,
      '--from: missing; expected the first sequence, or --since and a time',
    );
  reader.refuse(
    from !== undefined && to !== undefined && to < from,
    '--to: expected at least what --from is',
  );
  const isBackwards = since !== undefined && until !== undefined && Date.parse(until) <= Date.parse(since);
  reader.refuse(isBackwards, '--until: expected a time after --since');
  return { from, to, since, until, sinks: reader.sinks() };
}

function readMove(reader: ValueReader): CursorMove {
  const { service, yes, expect } = reader.values;
  const sequence = reader.sequence('sequence', 0);
  const expected = expect === 'none' ? null : reader.sequence('expect', 0);
  reader.refuse(
    reader.values.sequence === undefined,
    '--sequence: missing; expected the last one that is not to be delivered',
  );
  reader.refuse(
    expect === undefined,
    '--expect: missing; expected where the cursor stands, as status shows it, or none',
  );
  const reason = reader.reason();
  return { command: 'set-cursor', service, sequence: sequence ?? 0, expect: expected ?? null, reason, yes };
}
