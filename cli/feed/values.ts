// Reads the values of the options of `feed`, and collects what is wrong with them.
import { table } from '../../src/platform/settings/table.ts';
import type { SinkName } from '../../src/platform/settings/types.ts';
import { flag, reasonMissing, text, textProblems, accessSpecification } from '../app/options.ts';
import type { readWords } from '../commandLine.ts';

export const specification = {
  ...accessSpecification,
  ...{ service: text, from: text, to: text, since: text, until: text, sinks: text, reason: text },
  ...{ sequence: text, expect: text, wait: flag, yes: flag },
};
export type Values = ReturnType<typeof readWords<typeof specification>>['values'];

/** What is read of an option that is wrong means nothing: `problems` is looked at before anything is done with it. */
export class ValueReader {
  readonly values: Values;
  readonly problems: string[] = [];

  constructor(values: Values) {
    this.values = values;
  }

  refuse(condition: boolean, problem: string): void {
    if (condition) this.problems.push(problem);
  }

  optionalReason(): string | undefined {
    const { reason } = this.values;
    this.problems.push(...textProblems('reason', reason));
    return reason;
  }

  reason(): string {
    this.refuse(this.values.reason === undefined, reasonMissing);
    return this.optionalReason() ?? '';
  }

  /** Undefined where the option is not given. */
  sequence(name: 'from' | 'to' | 'sequence' | 'expect', least: 0 | 1): number | undefined {
    const found = this.values[name];
    if (found === undefined) return undefined;
    const sequence = /^\d{1,16}$/.test(found) ? Number(found) : NaN;
    const isGood = Number.isSafeInteger(sequence) && sequence >= least;
    const none = name === 'expect' ? ', or none' : '';
    this.refuse(!isGood, `--${name}: expected a whole number from ${least} on${none}`);
    return isGood ? sequence : undefined;
  }

  /** Undefined where the option is not given; in the form that the app takes for a start of the feed. */
  time(name: 'since' | 'until'): string | undefined {
    const found = this.values[name];
    if (found === undefined) return undefined;
    const start = table.CHANGE_FEED_START.parse(`time:${found}`);
    if (start?.kind === 'time') return start.time;
    this.problems.push(`--${name}: expected a time, ISO 8601 with its zone, such as 2026-11-20T08:00:00Z`);
    return undefined;
  }

  /** Undefined where the option is not given. */
  sinks(): readonly SinkName[] | undefined {
    const { sinks } = this.values;
    if (sinks === undefined) return undefined;
    const { parse, expects } = table.CHANGE_FEED_SINKS;
    const names = parse(sinks);
    this.refuse(names === undefined, `--sinks: expected ${expects}`);
    return names;
  }
}
