// Explores every order of the steps of a scenario, and every fault that it allows, without entering a state twice.
import { search, type Choice, type Course, type Explored } from '../../support/search.ts';
import { Process, type Doing, type Role, type Stage } from './actor.ts';
import { finish } from './finish.ts';
import { judgeState } from './judge.ts';
import { Scheduler } from './scheduler.ts';
import { type Fault } from './step.ts';
import type { Source } from './source.ts';
import { World, type Rule } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** What happened before, one after the other, by processes of the scenario (which then know what they did) or others. */
  readonly before?: readonly (readonly [name: string, doing: Doing])[];
  readonly roles: readonly Role[];
  readonly faults?: readonly Fault[];
  /** Faults in one schedule; 1 where there are any. */
  readonly budget?: number;
  readonly tickMs?: number;
  /** Where all orders are too many: how often another process may go on though the one before could. */
  readonly switches?: number;
  /** The outbox names the identity of the row as nobody's, as after a row was restored from a backup. */
  readonly stray?: boolean;
  /** Another ACS resource is configured for a while when all is over. */
  readonly swapped?: boolean;
  /** Fewest states and schedules that there are: an exploration that became empty shows nothing. */
  readonly least: readonly [states: number, schedules: number];
}

// No real time passes: the limits of single requests are part of the schedule.
const never = new AbortController().signal;

class Run implements Course<Rule> {
  readonly world = new World();
  readonly scheduler: Scheduler;
  readonly #scenario: Scenario;
  readonly #source: Source;
  readonly #path: number[];

  constructor(scenario: Scenario, source: Source, path: readonly number[]) {
    const { faults = [], budget = 1, tickMs = 31_000, switches = Infinity } = scenario;
    this.#scenario = scenario;
    this.#source = source;
    this.#path = [...path];
    this.scheduler = new Scheduler({ faults, budget, tickMs, switches }, () => this.world.row?.writer ?? '');
  }

  get path(): readonly number[] {
    return this.#path;
  }

  get #stage(): Stage {
    const timers = this.#scenario.roles.some(({ does }) => does.includes('cleanUp'));
    return { world: this.world, scheduler: this.scheduler, source: this.#source, timers };
  }

  async start(): Promise<void> {
    const { scheduler } = this;
    const { roles, before = [], name } = this.#scenario;
    const processes = new Map(roles.map((role) => [role.name, new Process(this.#stage, role)]));
    for (const [who, doing] of before) {
      const process = processes.get(who) ?? new Process(this.#stage, { name: who, does: [] });
      const code = await process.do(doing);
      if (code !== undefined) throw new Error(`${name}: ${who} could not ${doing} before: ${code}`);
    }
    if (this.#scenario.stray === true) this.#addStray();
    scheduler.advance(60_000);
    scheduler.holding = true;
    for (const role of roles) void this.#play(role, processes.get(role.name));
    await scheduler.settled();
    for (const at of this.#path) await this.#take(scheduler.choices()[at]);
  }

  #addStray(): void {
    const { row, entries } = this.world;
    const { entity, identity, resource } = row ?? {};
    const entry = { schema: 1, rowKey: 'stray', row: entity?.['rowKey'], identity, resource, attempts: 0 };
    entries.set('stray', { ...entry, dueAt: new Date(0).toISOString() });
  }

  async #play(role: Role, first: Process | undefined): Promise<void> {
    for (const [n, doing] of role.does.entries()) {
      const another = { ...role, name: `${role.name}${n + 1}` };
      const process = n === 0 && first ? first : new Process(this.#stage, another);
      this.scheduler.actors.push(process.actor);
      await process.do(doing);
      process.actor.digest = 'done';
    }
  }

  async next(at: number, choice: Choice): Promise<void> {
    this.#path.push(at);
    await this.#take(choice);
  }

  async #take(choice: Choice | undefined): Promise<void> {
    if (!choice) throw new Error(`${this.#scenario.name}: the same choices do not lead to the same state`);
    this.scheduler.take(choice);
    await this.scheduler.settled();
    judgeState(this.world);
  }

  key(): string {
    return `${this.scheduler.key()}\n${this.world.key()}`;
  }

  async finish(): Promise<void> {
    const { roles, swapped = false } = this.#scenario;
    const elsewhere = swapped || roles.some((role) => role.elsewhere === true);
    await finish(this.#stage, elsewhere);
  }

  choices(): readonly Choice[] {
    return this.scheduler.choices();
  }

  found(): Explored<Rule>['violation'] {
    const { world, scheduler } = this;
    const broken = world.broken();
    if (!broken) return undefined;
    const steps = scheduler.trace.map((step, n) => `  ${n + 1}. ${step}`);
    const { entity } = world.row ?? {};
    const report = [this.#scenario.name, ...steps, JSON.stringify(entity), broken.message].join('\n');
    return { rule: broken.rule, report };
  }
}

/** Stops at the first violation. Throws when the source does not behave the same way in the same order of steps. */
export async function explore(scenario: Scenario, source: Source): Promise<Explored<Rule>> {
  const timeout = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout') ?? {};
  const { stackTraceLimit } = Error;
  AbortSignal.timeout = () => never;
  Error.stackTraceLimit = 0;
  try {
    return await search((path) => new Run(scenario, source, path));
  } finally {
    Object.defineProperty(AbortSignal, 'timeout', timeout);
    Error.stackTraceLimit = stackTraceLimit;
  }
}
