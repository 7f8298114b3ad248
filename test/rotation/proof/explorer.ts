// Plays a scenario in every order of its steps and with every fault that it allows, without entering a state twice.
import { search, type Choice, type Course, type Explored } from '../../support/search.ts';
import type { Lease } from '../../../src/platform/lease.ts';
import { rotationBudgetMs } from '../../../src/platform/limits.ts';
import { Choices, type Fault } from './choices.ts';
import type { Place } from './doors.ts';
import { restMs, unfit } from './ends.ts';
import { Judge, type Rule } from './judge.ts';
import { runUnder } from './process.ts';
import type { Source } from './source.ts';
import { Actor, type Wanted } from './stage.ts';
import { hourMs, World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** What there is when it begins. */
  readonly before: (world: World, now: number) => void;
  readonly runs: readonly Wanted[];
  /** What people do at any moment. */
  readonly people?: Readonly<Record<string, (world: World, now: number) => void>>;
  readonly faults?: readonly Fault[];
  /** Faults in one schedule; 1 unless said otherwise. */
  readonly budget?: number;
  /** The steps that faults may meet; all of them unless said otherwise. */
  readonly on?: RegExp;
  /** Steps that nobody else in the scenario can influence: their order is not explored. None unless said. */
  readonly atOnce?: RegExp;
  /** Fewest states and schedules that there are: an exploration that became empty shows nothing. */
  readonly least: readonly [states: number, schedules: number];
}

const { signal: never } = new AbortController();

class Play implements Course<Rule> {
  readonly #world = new World();
  readonly stage: Choices;
  readonly judge: Judge;
  readonly #place: Place;
  readonly #scenario: Scenario;
  readonly path: number[];
  #runs = 0;

  constructor(scenario: Scenario, source: Source, path: readonly number[]) {
    const { faults = [], budget = 1, on = /./, atOnce = /^$/ } = scenario;
    this.#scenario = scenario;
    this.path = [...path];
    this.stage = new Choices(this.#world, { faults, budget, on, atOnce });
    this.judge = new Judge(this.#world, this.stage.now, false);
    this.#place = { world: this.#world, stage: this.stage, judge: this.judge, source };
  }

  async start(): Promise<void> {
    const { runs, before, people = {} } = this.#scenario;
    const { stage } = this;
    this.#world.staleMs = hourMs;
    before(this.#world, stage.now());
    for (const wanted of runs) void this.#run(wanted);
    for (const [name, deed] of Object.entries(people))
      stage.park(name, () => {
        deed(this.#world, stage.now());
      });
    await stage.settled();
    for (const at of [...this.path]) await this.#take(stage.choices()[at]);
  }

  async next(at: number, choice: Choice): Promise<void> {
    this.path.push(at);
    await this.#take(choice);
  }

  /** Without the lease: what holds here holds whoever else is at work. Only a long pause is noticed. */
  async #run(wanted: Wanted): Promise<void> {
    this.#runs += 1;
    const { stage } = this;
    const begun = stage.now();
    const left = (): number => Math.max(0, begun + rotationBudgetMs - stage.now());
    const lease: Lease = { id: '', lost: never, vouches: () => left() > 0, release: () => Promise.resolve() };
    const run = { requestId: 'request-1', signal: never, remainingMs: left };
    await runUnder(this.#place, new Actor(`r${this.#runs}`, this.#world.vault, wanted), lease, run);
  }

  async #take(choice: Choice | undefined): Promise<void> {
    if (!choice) throw new Error(`${this.#scenario.name}: the same choices do not lead to the same state`);
    this.stage.take(choice);
    await this.stage.settled();
  }

  /** Later runs, undisturbed, must put everything right. */
  async finish(): Promise<void> {
    const { stage, judge } = this;
    stage.holding = false;
    stage.advance(hourMs);
    for (const gapMs of restMs) {
      stage.advance(gapMs);
      await this.#run({});
    }
    const broken = unfit(this.#world, stage.now());
    if (broken) judge.violate(broken, 'after days');
  }

  key(): string {
    return this.stage.key();
  }

  choices(): readonly Choice[] {
    return this.stage.choices();
  }

  found(): Explored<Rule>['violation'] {
    const { violation } = this.judge;
    if (!violation) return undefined;
    const steps = this.stage.trace.map((step, n) => `  ${String(n + 1)}. ${step}`);
    const report = [this.#scenario.name, ...steps, `${violation.rule}: ${violation.what}`].join('\n');
    return { rule: violation.rule, report };
  }
}

/** Stops at the first violation. Throws when the source does not behave the same way in the same order of steps. */
export function explore(scenario: Scenario, source: Source): Promise<Explored<Rule>> {
  return search((path) => new Play(scenario, source, path));
}
