// What the processes of a proof play on: every request is a step, and whoever holds the stage decides what becomes of it.
import type { Vault, Version } from './world.ts';

export interface Step<T> {
  readonly name: string;
  readonly go: () => T;
  /** What the caller gets when no answer comes: it cannot tell whether the step went. */
  readonly unanswered: () => T;
  /** Other answers, by name; none of them has an effect. */
  readonly others?: Readonly<Record<string, () => T>>;
  /** Called when the caller gave up; what it answers is carried out by the service long after. */
  readonly late?: () => () => void;
}

export interface Stage {
  readonly now: () => number;
  step<T>(actor: Actor, step: Step<T>): Promise<T>;
  sleep(actor: Actor, ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Wanted {
  readonly force?: boolean;
  readonly revoke?: string;
}

/** One process in one run, with what the judges have to know of it. */
export class Actor {
  readonly name: string;
  readonly wanted: Wanted;
  readonly vault: Vault;
  /** How far its own clock is off. */
  offsetMs = 0;
  dead = false;
  frozenUntil = 0;
  mints = 0;
  minted: { readonly keyId: string; readonly at: number } | undefined;
  /** Proofs in a row, by value. */
  readonly proofs = new Map<string, number>();
  /** The version it last saw as the current one, and what had happened to the vault by then. */
  looked: { readonly version: Version | undefined; readonly disturbed: number } | undefined;
  /** When it read the state, which tells it of other mints. */
  stateReadAt = 0;
  /** How often it has looked at the vault. */
  looks = 0;
  /** What people had done at Graph when it last looked there. */
  graphSeen = 0;
  /** Whether Graph has shown it its new credential since Entra last accepted that. */
  seenSinceProof = false;
  leasedUntil = 0;
  /** All that it has seen: two that saw the same are in the same state. */
  digest = '';
  #uuids = 0;

  constructor(name: string, vault: Vault, wanted: Wanted = {}) {
    this.name = name;
    this.vault = vault;
    this.wanted = wanted;
  }

  /** Its first six characters are unique, as the display names need it. */
  uuid(): string {
    this.#uuids += 1;
    const number = this.#uuids.toString(36).padStart(2, '0');
    return `${this.name.padStart(4, '0')}${number}-0000`;
  }
}
