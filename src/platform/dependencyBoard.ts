// How each service behind the app last fared in this process, from the answers that passed by: nobody is asked for it.
import { isoTime, type Clock } from './clock.ts';
import { cureOf, needs, type DependencyName, type FailureKind } from './cures.ts';
import { SignInError } from './credential.ts';
import { identityName, type Dependency } from './dependencies.ts';
import { dependencyFailures, dependencyFailingMs, dependencyStaleMs } from './limits.ts';
import type { CredentialSettings } from './settings/types.ts';

/** One answer, or the lack of one. */
export interface Outcome {
  /** Undefined: it went well. */
  readonly failure?: FailureKind;
  /** HTTP status, or a code of Node's where no answer came. */
  readonly code?: number | string;
  /** In place of the words for the failure. */
  readonly problem?: string;
  /** Of requests about one person's things: all failures of the same count as one. */
  readonly about?: string;
}

export interface DependencyState {
  readonly name: DependencyName;
  readonly target?: string;
  /** `unknown`: not used lately. `shaky`: the last request failed, which may pass. */
  readonly state: 'ok' | 'shaky' | 'failing' | 'unknown';
  readonly lastSuccess?: string;
  readonly lastFailure?: {
    readonly time: string;
    readonly code?: number | string;
    readonly problem: string;
    readonly advice: string;
  };
}

interface Seen {
  lastSuccess?: number;
  failure?: Outcome & { readonly failure: FailureKind; readonly time: number };
  /** Since the last success. */
  failures: number;
  /** Whose things they were about: no more of them than it takes to call it failing. */
  readonly about: Set<string>;
  failingSince: number;
}

export class DependencyBoard {
  readonly #clock: Clock;
  readonly #seen = new Map<Dependency, Seen>();

  constructor(dependencies: readonly Dependency[], clock: Clock) {
    this.#clock = clock;
    for (const one of dependencies) this.#seen.set(one, { failures: 0, failingSince: 0, about: new Set() });
  }

  get dependencies(): readonly Dependency[] {
    return [...this.#seen.keys()];
  }

  /** A dependency that is not one of the board's is passed over. */
  note(dependency: Dependency, outcome: Outcome): void {
    const seen = this.#seen.get(dependency);
    if (!seen) return;
    const { failure, about } = outcome;
    const time = this.#clock.now();
    if (failure === undefined) {
      seen.lastSuccess = time;
      seen.failures = 0;
      seen.about.clear();
      return;
    }
    if (seen.failures === 0) seen.failingSince = time;
    if (about === undefined || !seen.about.has(about)) seen.failures += 1;
    if (about !== undefined && seen.failures <= dependencyFailures) seen.about.add(about);
    seen.failure = { ...outcome, failure, time };
  }

  /** How the sign-in of one identity went. */
  noteSignIn(identity: CredentialSettings, error?: unknown): void {
    const target = identityName(identity);
    const found = this.dependencies.find((one) => one.name === 'signIn' && one.target === target);
    if (!found) return;
    // Its message is in our own words, and says what was tried and what to do.
    const problem = error instanceof SignInError ? error.message : 'Sign-in failed.';
    this.note(found, error === undefined ? {} : { failure: 'refused', problem });
  }

  states(): readonly DependencyState[] {
    return [...this.#seen].map(([{ name, target }, seen]) => ({
      name,
      ...(target === undefined ? {} : { target }),
      state: this.#stateOf(seen),
      ...(seen.lastSuccess === undefined ? {} : { lastSuccess: isoTime(seen.lastSuccess) }),
      ...(seen.failure ? { lastFailure: told(name, seen.failure) } : {}),
    }));
  }

  ok(): boolean {
    return [...this.#seen.values()].every((seen) => this.#stateOf(seen) !== 'failing');
  }

  /**
   * Failing: several requests in a row, and either it refuses us, which does not pass by itself, or it has gone on for a
   * while. One that is used by calls alone is unknown again after a time: whoever takes a failing app out of service
   * would never see it well again.
   */
  #stateOf({ lastSuccess, failure, failures, failingSince }: Seen): DependencyState['state'] {
    const now = this.#clock.now();
    if (failures === 0 || !failure) return lastSuccess === undefined ? 'unknown' : 'ok';
    if (now - failure.time > dependencyStaleMs) return 'unknown';
    const lasting = failure.time - failingSince >= dependencyFailingMs;
    return failures >= dependencyFailures && (failure.failure === 'refused' || lasting) ? 'failing' : 'shaky';
  }
}

const words: Readonly<Record<FailureKind, string>> = {
  refused: 'refuses the app’s identity',
  throttled: 'answers that it is asked too often',
  broken: 'fails',
  silent: 'could not be reached, or did not answer in time',
  odd: 'gives an answer that it would not give',
};

function told(
  name: DependencyName,
  { failure, code, problem, time }: NonNullable<Seen['failure']>,
): NonNullable<DependencyState['lastFailure']> {
  return {
    time: isoTime(time),
    ...(code === undefined ? {} : { code }),
    problem: problem ?? `${needs[name].service} ${words[failure]}.`,
    advice: cureOf(name, failure),
  };
}
