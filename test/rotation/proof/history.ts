// One random history: rotators that overlap, people who meddle, services that fail, days that pass; judged at each step and in the end.
import { rotationMaxOwned } from '../../../src/platform/limits.ts';
import type { RotationReport } from '../../../src/rotation/report.ts';
import { Chance } from './chance.ts';
import type { Place } from './doors.ts';
import { Judge, type Rule } from './judge.ts';
import { restMs, unfit } from './ends.ts';
import { breakLease, deeds, drop, earlier, enable, portal, recover } from './people.ts';
import { runProcess } from './process.ts';
import { calm, settled, Simulation, type Trouble } from './simulation.ts';
import type { Source } from './source.ts';
import { Actor, type Wanted } from './stage.ts';
import { dayMs, hourMs, isOwn, World, type Vault } from './world.ts';

export interface Told {
  readonly seed: number;
  readonly runs: number;
  readonly mints: number;
  readonly violation?: { readonly rule: Rule; readonly report: string };
}

const shortMs = [60_000, 5 * 60_000, 11 * 60_000];
const gapsMs = [60_000, 11 * 60_000, 30 * 60_000, 61 * 60_000, 3 * hourMs, dayMs, 8 * dayMs, 40 * dayMs];
const rounds = 9;

class History {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #world = new World();
  readonly #stage: Simulation;
  readonly #judge: Judge;
  readonly #place: Place;
  readonly #troubles: Trouble;
  readonly #meddling: number;
  readonly #forcing: number;
  readonly #gapsMs: readonly number[];
  #runs = 0;
  #meddled = false;

  constructor(seed: number, source: Source) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    this.#stage = new Simulation(this.#chance);
    this.#judge = new Judge(this.#world, this.#stage.now, true);
    this.#place = { world: this.#world, stage: this.#stage, judge: this.#judge, source };
    const pick = <T>(all: readonly T[]): T => this.#chance.pick(all);
    this.#troubles = {
      fault: pick([0, 0.02, 0.1, 0.3]),
      kill: pick([0, 0, 0.01, 0.05]),
      freeze: pick([0, 0.01]),
    };
    this.#meddling = pick([0, 0.2, 0.7]);
    this.#forcing = pick([0, 0.25, 0.9]);
    this.#gapsMs = pick([gapsMs, gapsMs, shortMs]);
  }

  async play(): Promise<Told> {
    this.#begin();
    for (let round = 0; round < rounds && !this.#judge.violation; round += 1) await this.#round();
    // Nobody can know that a vault is wrong while no credential of ours exists: then it may become the right one.
    const moved = this.#world.credentials.some((one) => isOwn(one, this.#world.wrongVault));
    if (!this.#judge.violation && !moved) await this.#end();
    const { violation } = this.#judge;
    const mints = this.#world.credentials.filter(({ keyId }) => keyId.startsWith('key-')).length;
    const told = { seed: this.#seed, runs: this.#runs, mints };
    if (!violation) return told;
    const report = [
      `SEED=${String(this.#seed)}`,
      ...this.#stage.trace,
      `${violation.rule}: ${violation.what}`,
    ];
    return { ...told, violation: { rule: violation.rule, report: report.join('\n') } };
  }

  #begin(): void {
    const [world, chance, now] = [this.#world, this.#chance, this.#stage.now()];
    world.staleMs = chance.pick([15_000, 2 * 60_000, 50 * 60_000]);
    world.lagMs = chance.pick([0, 0, 5_000, 40_000]);
    for (let n = chance.pick([0, 1, 2]); n > 0; n -= 1) portal(world, now, chance.between(2, 400) * dayMs);
    if (chance.hits(0.2)) return;
    if (chance.hits(0.5)) earlier(world, { now, age: chance.between(62, 85) * dayMs, published: true });
    if (chance.hits(0.2)) earlier(world, { now, age: 61 * dayMs, published: false });
    earlier(world, { now, age: chance.between(0, 61) * dayMs, published: true });
  }

  async #round(): Promise<void> {
    const [stage, chance] = [this.#stage, this.#chance];
    await stage.pass(stage.now() + chance.pick(this.#gapsMs));
    this.#setClocks();
    if (chance.hits(this.#meddling)) this.#meddle();
    stage.trouble = this.#troubles;
    const second = chance.hits(0.6) ? chance.between(0, 20_000) : undefined;
    stage.between = () => {
      if (chance.hits(this.#meddling / 30)) this.#meddle();
    };
    const running = [this.#start(this.#wanted())];
    if (chance.hits(0.1)) running.push(this.#start(this.#wanted(), this.#world.wrongVault));
    if (second !== undefined) {
      await stage.pass(stage.now() + second);
      if (chance.hits(0.5)) stage.say(`the lease is broken: ${String(breakLease(this.#world))}`);
      running.push(this.#start(this.#wanted()));
    }
    await this.#untilDone(running);
  }

  /** A frozen one goes on later, beside those of the next rounds. */
  async #untilDone(running: readonly Running[]): Promise<void> {
    const over = ({ done, actor }: Running): boolean =>
      done || actor.dead || actor.frozenUntil > this.#stage.now();
    await this.#stage.pass(this.#stage.now() + 3 * hourMs, () => running.every(over));
  }

  #start(wanted: Wanted, vault: Vault = this.#world.vault, offsetMs = this.#offsetMs): Running {
    this.#runs += 1;
    const actor = new Actor(`r${String(this.#runs)}`, vault, wanted);
    actor.offsetMs = offsetMs;
    const running: Running = { actor, done: false, report: undefined };
    this.#stage.say(`${actor.name} starts ${JSON.stringify(wanted)}`);
    void runProcess(this.#place, actor).then((report) => {
      const text = typeof report === 'string' ? report : `${report.outcome} ${report.error?.code ?? ''}`;
      this.#stage.say(`${actor.name} ends: ${text}`);
      Object.assign(running, { done: true, report: typeof report === 'string' ? undefined : report });
    });
    return running;
  }

  #offsetMs = 0;

  #setClocks(): void {
    const { skew } = this.#world;
    const small = (): number => this.#chance.between(-100_000, 100_000);
    Object.assign(skew, { graph: small(), vault: small() });
    this.#offsetMs = small();
    if (!this.#chance.hits(0.1)) return;
    const far = this.#chance.pick([3, -3, 200]) * hourMs;
    const whose = this.#chance.pick(['graph', 'vault', 'both', 'ours']);
    if (whose === 'graph' || whose === 'both') skew.graph += far;
    if (whose === 'vault' || whose === 'both') skew.vault += far;
    if (whose === 'ours') this.#offsetMs += far;
  }

  #wanted(): Wanted {
    const chance = this.#chance;
    if (!chance.hits(this.#forcing)) return {};
    const all = this.#world.present();
    if (all.length === 0 || chance.hits(0.5)) return { force: true };
    return { revoke: chance.pick(all).keyId };
  }

  #meddle(): void {
    const name = this.#chance.pick(Object.keys(deeds));
    const doing = { world: this.#world, chance: this.#chance, now: this.#stage.now() };
    const done = deeds[name]?.(doing);
    if (done === undefined) return;
    this.#meddled = true;
    this.#stage.say(`somebody ${name}: ${done}`);
  }

  /** Nothing fails any more, nobody meddles: after days everything must be as it should. */
  async #end(): Promise<void> {
    const [world, stage] = [this.#world, this.#stage];
    stage.trouble = calm;
    stage.between = () => undefined;
    Object.assign(world.skew, { graph: 0, vault: 0 });
    this.#offsetMs = 0;
    recover(world);
    enable(world);
    await stage.pass(stage.now() + 61 * hourMs);
    let last: RotationReport | undefined;
    for (const gapMs of restMs) last = await this.#rest(gapMs);
    // A person has to help with what a person did, and where too many credentials are left for another one.
    const helpless = this.#meddled || last?.error?.code === 'max_owned';
    if (helpless && unfit(world, stage.now()) !== undefined) await this.#repair();
    const broken = unfit(world, stage.now());
    if (broken) this.#judge.violate(broken, 'after days');
    const [changes, report] = [this.#changes(), await this.#rest(hourMs)];
    const still = report?.outcome !== 'noop' || changes === this.#changes();
    this.#judge.check(still, 'a run with nothing to do writes nothing', 'in the end');
  }

  async #rest(gapMs: number, wanted: Wanted = {}): Promise<RotationReport | undefined> {
    await this.#stage.pass(this.#stage.now() + gapMs);
    const running = this.#start(wanted);
    await this.#untilDone([running]);
    await settled();
    return running.report;
  }

  /** As the reports advise. */
  async #repair(): Promise<void> {
    const [world, now] = [this.#world, this.#stage.now()];
    const counted = world
      .valid(now)
      .filter((one) => isOwn(one, world.vault) || world.adoptable.has(one.keyId));
    if (counted.length >= rotationMaxOwned) {
      for (const one of counted) if (one.value !== world.vault.current?.text) drop(world, one, now);
    }
    await this.#rest(2 * hourMs, { force: true });
    for (const gapMs of restMs) await this.#rest(gapMs);
  }

  #changes(): string {
    const { credentials, vault } = this.#world;
    return JSON.stringify([credentials, vault.versions]);
  }
}

interface Running {
  readonly actor: Actor;
  readonly done: boolean;
  readonly report: RotationReport | undefined;
}

export function history(seed: number, source: Source): Promise<Told> {
  return new History(seed, source).play();
}
