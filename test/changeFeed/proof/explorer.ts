// Plays a scenario in every order of its calls and with every fault that it allows, without entering a state twice.
import type { Move } from '../../../src/changeFeed/moveCursor.ts';
import { search, type Choice, type Course, type Explored, type Violation } from '../../support/search.ts';
import type { SinkName } from '../../../src/changeFeed/sink.ts';
import { startTime } from '../feedWorld.ts';
import { comesToRest } from './ends.ts';
import { Judge } from './judge.ts';
import type { Rule } from './rules.ts';
import { move, pull, type Scene, type Setting } from './process.ts';
import type { Source } from './source.ts';
import { Actor, Stage, type Limits } from './stage.ts';
import { World } from './world.ts';

export interface Scenario extends Limits {
  readonly name: string;
  readonly setting?: Setting;
  readonly sinks?: readonly SinkName[];
  /** What there is when it begins; `pull` is a run that nothing disturbs. */
  readonly before: (world: World, stage: Stage, pull: () => Promise<unknown>) => Promise<void> | void;
  /** What happens at any moment. */
  readonly meanwhile?: Readonly<Record<string, (world: World, stage: Stage) => void>>;
  /** How many runs there are at once. */
  readonly pullers?: number;
  /** What an operator asks for at any moment. */
  readonly move?: Move;
  /** Fewest states and courses that there are: an exploration that became empty shows nothing. */
  readonly least: readonly [states: number, schedules: number];
}

/** What every play of a scenario begins with. */
interface Beginning {
  readonly scenario: Scenario;
  readonly source: Source;
  readonly world: World;
  readonly judge: Judge;
  readonly time: number;
}

class Play implements Course<Rule> {
  readonly path: number[];
  readonly #scenario: Scenario;
  readonly #scene: Scene;

  constructor({ scenario, source, ...before }: Beginning, path: readonly number[]) {
    this.path = [...path];
    this.#scenario = scenario;
    const world = before.world.copy();
    const stage = new Stage(before.time, scenario);
    const judge = before.judge.copy(world, stage);
    this.#scene = { world, stage, judge, source, setting: scenario.setting ?? {} };
  }

  async start(): Promise<void> {
    const { meanwhile = {}, pullers = 2, move: wanted } = this.#scenario;
    const { world, stage } = this.#scene;
    for (let n = 1; n <= pullers; n += 1) void pullAs(this.#scene, `r${String(n)}`);
    if (wanted) void move(this.#scene, new Actor('operator'), wanted).catch(() => undefined);
    for (const [name, deed] of Object.entries(meanwhile))
      stage.park(name, () => {
        deed(world, stage);
      });
    await stage.settled();
    for (const at of [...this.path]) await this.#take(stage.choices()[at]);
  }

  async next(at: number, choice: Choice): Promise<void> {
    this.path.push(at);
    await this.#take(choice);
  }

  async #take(choice: Choice | undefined): Promise<void> {
    if (!choice) throw new Error(`${this.#scenario.name}: the same choices do not lead to the same state`);
    this.#scene.stage.take(choice);
    await this.#scene.stage.settled();
  }

  finish(): Promise<void> {
    return comesToRest(this.#scene);
  }

  key(): string {
    return this.#scene.stage.key(this.#scene.world.truth);
  }

  choices(): readonly Choice[] {
    return this.#scene.stage.choices();
  }

  found(): Violation<Rule> | undefined {
    return this.#scene.judge.violation;
  }
}

async function pullAs(scene: Scene, name: string): Promise<void> {
  scene.judge.ended(await pull(scene, new Actor(name)));
}

/** What there is before the scenario begins. */
export async function begun(
  scenario: Pick<Scenario, 'before' | 'sinks' | 'setting'> & Limits,
  source: Source,
): Promise<Scene> {
  const world = new World(scenario.sinks ?? ['blob', 'webhook']);
  const stage = new Stage(startTime, scenario);
  stage.holding = false;
  const judge = new Judge(world, stage);
  const scene = { world, stage, judge, source, setting: scenario.setting ?? {} };
  let runs = 0;
  await scenario.before(world, stage, () => pullAs(scene, `b${String((runs += 1))}`));
  return scene;
}

/** Stops at the first violation. Throws when the source does not behave the same way in the same order of calls. */
export async function explore(scenario: Scenario, source: Source): Promise<Explored<Rule>> {
  const { world, judge, stage } = await begun(scenario, source);
  if (judge.violation) return { states: 0, schedules: 0, violation: judge.violation };
  const beginning = { scenario, source, world, judge, time: stage.now() };
  return search((path) => new Play(beginning, path));
}
