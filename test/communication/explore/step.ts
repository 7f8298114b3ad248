// A process of the exploration and its steps: what each does, and how it may end.

/**
 * What may become of a step. `fail`: no effect and no answer. `lost`: the effect, but not its answer. `late`: no answer, and
 * the effect later. `last`: the effect, and the process dies of it. `slow`: the answer comes when time has passed.
 * `refused` and `gone`: ACS says no, or denies an identity that it has.
 */
export type Fate = 'fail' | 'lost' | 'late' | 'last' | 'slow' | 'refused' | 'gone';
/** `kill`: a process dies between two steps. `tick`: time passes while all wait. */
export type Fault = Fate | 'kill' | 'tick';

export interface Step<T> {
  readonly name: string;
  /** What it would write. */
  readonly detail?: string;
  readonly go: () => T;
  /** How it ends under each other fate that it can meet. */
  readonly ends?: Readonly<Partial<Record<Fate, () => T>>>;
  /** No step of another process can tell whether this one came before or after it. */
  readonly unseen?: boolean;
  /** Given up when it has not gone for so long, and how that may end. */
  readonly limit?: { readonly ms: number; readonly ends: readonly (() => T)[] };
}

export class Actor {
  readonly name: string;
  /** The call that it is at. */
  doing = '';
  /** What it has seen so far: two processes that saw the same are in the same state. */
  digest = '';
  dead = false;
  #uuids = 0;

  constructor(name: string) {
    this.name = name;
  }

  uuid(): string {
    this.#uuids += 1;
    return `${this.name}-${this.#uuids}`;
  }
}
