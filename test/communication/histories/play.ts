// Plays rounds of commands against the real token service in a world in memory, and hears what each command is answered.
import { setImmediate as turn } from 'node:timers/promises';
import { AppError, isAppError, type ErrorCode } from '../../../src/platform/errors.ts';
import { acsCreateTimeoutMs, acsTimeoutMs, tableTimeoutMs } from '../../../src/platform/limits.ts';
import type { CommunicationSettings } from '../../../src/platform/settings/types.ts';
import type { Fate } from '../steps.ts';
import { World, type TestProcess } from '../world.ts';
import { perform } from './perform.ts';
import {
  endpoints,
  type Command,
  type Fault,
  type Misfortune,
  type Resource,
  type Round,
  type Slot,
  type UserCommand,
} from './commands.ts';

export interface Answer {
  readonly kind: 'ok' | 'refused' | 'died' | 'gave up' | 'threw';
  readonly value?: unknown;
  readonly code?: ErrorCode;
}

interface Running {
  readonly process: TestProcess;
  readonly resource: Resource;
  readonly repair: boolean;
  alive: boolean;
  killed: boolean;
}

export interface Watcher {
  /** After each step of each process; `here` is its ACS resource. */
  stepped(step: string, here: Resource, by: Slot): void;
  /** Before a step to which something happens; without a step where the process is killed from outside. */
  suffers(by: Slot, fate: Misfortune, step?: string): void;
}

/** Longer than the longest wait of an entry in the outbox: the clean-up finds everything due. */
export const everythingDueMs = 61 * 60_000;

const gaveUp = new Error('the caller gave up');

export class Play {
  readonly world = new World();
  readonly #settings: Partial<CommunicationSettings>;
  readonly #watcher: Watcher | undefined;
  readonly #running = new Map<Slot, Running>();
  /** Steps taken: by each process in this round, and in all. */
  readonly #taken = new Map<Slot, string[]>();
  readonly #stalls = new Map<Slot, Fault>();
  #stalled = 0;
  /** Commands under way or still to come in the round. */
  #busy = 0;
  #steps = 0;
  #paced = 0;
  #round: Round | undefined;
  #giveUp = new AbortController();
  /** What was done to which steps, such as `die after acs.create`. */
  readonly suffered = new Set<string>();
  /** Whether anything but the passing of turns was done to a process so far. */
  faulty = false;

  constructor(settings: Partial<CommunicationSettings>, watcher?: Watcher) {
    this.#settings = settings;
    this.#watcher = watcher;
    for (const slot of [0, 1, 2] as const) this.start(slot, 'A', false);
  }

  start(slot: Slot, resource: Resource, repair: boolean): void {
    const before = this.#running.get(slot);
    if (before) {
      before.killed = true;
      this.#watcher?.suffers(slot, 'die before');
    }
    if ((this.#round?.commands.length ?? 0) > 1) this.faulty = true;
    const running: Running = {
      process: this.world.process({
        settings: {
          ...this.#settings,
          resource: { kind: 'endpoint', endpoint: endpoints[resource] },
          identityRepair: repair,
        },
        fate: (step) => (running.killed ? 'die before' : this.#fate(slot, step)),
        pace: () => this.#pace(),
        meanwhile: (step, when) => {
          if (when === 'after') this.#watcher?.stepped(step, resource, slot);
          return this.#stall(slot, when, step);
        },
      }),
      ...{ resource, repair, alive: true, killed: false },
    };
    void running.process.died.then(() => (running.alive = false));
    this.#running.set(slot, running);
  }

  resourceOf(slot: Slot): Resource {
    return this.#get(slot).resource;
  }

  begin(round: Round): void {
    this.#busy = round.commands.length;
    this.#round = round;
    this.#taken.clear();
    this.#giveUp = new AbortController();
    for (const [slot, { alive, killed, resource, repair }] of this.#running) {
      if (!alive || killed) this.start(slot, resource, repair);
    }
  }

  /** One command of the round has ended. */
  ended(): void {
    this.#busy -= 1;
  }

  /** What was stalled lands, also that of processes that died meanwhile. */
  async landed(): Promise<void> {
    while (this.#stalled > 0) await turn();
  }

  /** Nothing is done to anybody any more; whatever goes on without a caller is waited for. */
  async calm(): Promise<void> {
    this.#round = undefined;
    this.#giveUp = new AbortController();
    await this.landed();
    for (let quiet = 0, last = this.#steps; quiet < 12; quiet += 1) {
      await turn();
      if (this.#steps !== last) quiet = 0;
      last = this.#steps;
    }
  }

  async call(command: UserCommand): Promise<Answer> {
    return this.#answer(command.by, (process) => perform(process, command, this.#context(), this.world));
  }

  cleanUp(slot: Slot): Promise<Answer> {
    return this.#answer(slot, (process) => process.cleanUp(this.#context()));
  }

  async #answer(slot: Slot, work: (process: TestProcess) => Promise<unknown>): Promise<Answer> {
    const { process } = this.#get(slot);
    try {
      const died = process.died.then(() => ({ kind: 'died' }) as const);
      return await Promise.race([work(process).then((value) => ({ kind: 'ok', value }) as const), died]);
    } catch (error) {
      if (error === gaveUp) return { kind: 'gave up' };
      return isAppError(error) ? { kind: 'refused', code: error.code } : { kind: 'threw', value: error };
    }
  }

  #get(slot: Slot): Running {
    const running = this.#running.get(slot);
    if (!running) throw new Error(`no process ${String(slot)}`);
    return running;
  }

  #context(): ReturnType<World['context']> {
    return this.world.context(this.#giveUp.signal);
  }

  #pace(): number {
    const paces = this.#round?.paces ?? [];
    this.#paced += 1;
    return paces[this.#paced % paces.length] ?? 0;
  }

  #fate(slot: Slot, step: string): Fate {
    this.#steps += 1;
    const round = this.#round;
    const taken = this.#taken.get(slot) ?? [];
    taken.push(step);
    this.#taken.set(slot, taken);
    if (!round) return 'go';
    const all = [...this.#taken.values()].flat().length;
    if (all === round.giveUpAt) this.#abandon();
    const first = taken.indexOf(step) === taken.length - 1;
    const fault = round.faults.find(
      (one) => one.by === slot && (one.step === taken.length || (first && one.step === step)),
    );
    return fault ? this.#suffer(slot, fault, step) : 'go';
  }

  #stall(slot: Slot, when: 'before' | 'after', step: string): Promise<void> | undefined {
    const stall = this.#stalls.get(slot);
    if (stall?.fate !== `stall ${when}`) return undefined;
    this.#stalls.delete(slot);
    return this.#wait(slot, step);
  }

  /** Until everybody else has been answered or is stalled as well; not for ever, as they may be waiting for this one. */
  async #wait(slot: Slot, step: string): Promise<void> {
    const began = this.world.clock.now();
    this.#stalled += 1;
    for (let turns = 0; turns < 200 && this.#busy > this.#stalled; turns += 1) await turn();
    this.#stalled -= 1;
    if (!tooLate(step, this.world.clock.now() - began)) return;
    this.faulty = true;
    this.#watcher?.suffers(slot, 'hang before', step);
    throw new AppError('upstream_timeout', 'no answer in time');
  }

  #abandon(): void {
    this.faulty = true;
    this.#giveUp.abort(gaveUp);
  }

  #suffer(slot: Slot, fault: Fault, step: string): Fate {
    const { fate, seconds } = fault;
    this.suffered.add(`${fate} ${step}`);
    this.#watcher?.suffers(slot, fate, step);
    if (fate === 'stall before' || fate === 'stall after') {
      this.#stalls.set(slot, fault);
      return 'go';
    }
    this.faulty = true;
    if (fate === 'slow') {
      this.world.advance(seconds * 1000);
      return tooLate(step, seconds * 1000) ? 'fail before' : 'go';
    }
    if (fate !== 'hang before' && fate !== 'hang after') return fate;
    this.world.advance(step === 'acs.create' ? acsCreateTimeoutMs : acsTimeoutMs);
    return fate === 'hang before' ? 'fail before' : 'fail after';
  }
}

/** A write is never under way for longer than its time limit: what is owed must be announced long enough before. */
function tooLate(step: string, ms: number): boolean {
  return /^(rows\.(write|remove)|outbox)/.test(step) && ms > tableTimeoutMs;
}

/** Whether the command asks something of the service on behalf of a user. */
export function isCall(command: Command): command is UserCommand {
  return 'user' in command && command.kind !== 'lose';
}
