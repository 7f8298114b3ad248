// One user of the reference model: what the service must hold about him, without rows, claims or outbox.
import { isoTime } from '../../../src/platform/clock.ts';
import type { ErrorCode } from '../../../src/platform/errors.ts';
import type { Resource } from './commands.ts';

const erasuresPerHour = 6;

/** What the service must answer instead of a result. */
export class Refusal extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

export function refuse(code: ErrorCode): never {
  throw new Refusal(code);
}

export interface Identity {
  readonly id: string;
  readonly createdOn: string;
  readonly resource: Resource;
  /** ACS does not know it any more. */
  lost: boolean;
}

/** Where somebody asks, and when: milliseconds since 1970. */
export interface Place {
  readonly here: Resource;
  readonly repair: boolean;
  readonly now: number;
}

export class Account {
  identity: Identity | undefined;
  /** Tokens that were handed out and must work. */
  live = new Set<string>();
  /** Those that only the resource of the identity may have ended: both is right until it was asked. */
  #unsure = new Set<string>();
  /** Those that must not work any more. */
  readonly ended = new Set<string>();
  #banned = false;
  #erasing = false;
  #owed = false;
  /** Seconds since 1970; no bearer lives so long that this could be forgotten. */
  #validFrom = 0;
  #cycles = { hour: 0, count: 0 };

  lose(): void {
    if (this.identity) this.identity.lost = true;
    this.#end();
  }

  /** `issuedAt`: of the caller's bearer, seconds since 1970. */
  requireFresh(issuedAt: number | undefined): void {
    if (issuedAt !== undefined && issuedAt < this.#validFrom) refuse('unauthenticated');
  }

  requireEnabled(): void {
    if (this.#banned) refuse('disabled');
  }

  /** A token for the identity, or for `made` where there has to be a new one. */
  issue({ here, repair, now }: Place, token: string, made: string): Identity {
    this.requireEnabled();
    if (this.#erasing) {
      this.#doubt();
      refuse('conflict');
    }
    if (this.identity && this.identity.resource !== here) refuse('identity_of_other_resource');
    this.settle(here, now);
    if (!this.identity) this.#requireCycle(now);
    if (this.identity?.lost) {
      if (!repair) refuse('identity_stale');
      this.#requireCycle(now);
      this.#countCycle(now);
      this.identity = undefined;
    }
    this.identity ??= { id: made, createdOn: isoTime(now), resource: here, lost: false };
    this.live.add(token);
    return this.identity;
  }

  revoke(here: Resource): void {
    if (!this.identity) return;
    if (this.identity.resource !== here) refuse('identity_of_other_resource');
    this.#end();
  }

  revokeAll({ here, now }: Place): void {
    this.#validFrom = Math.max(this.#validFrom, Math.floor(now / 1000) + 1);
    this.#owe();
    this.settle(here, now);
  }

  setAccess(enabled: boolean, { here, now }: Place): object {
    if (!enabled && !this.#banned) this.#owe();
    this.#banned = !enabled;
    const shown = this.view();
    try {
      this.settle(here, now);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    return shown;
  }

  erase({ here, now }: Place): 'erased' {
    this.#erasing = this.identity !== undefined;
    this.settle(here, now);
    return 'erased';
  }

  known(): object {
    if (!this.identity && !this.#banned) refuse('not_found');
    return this.view();
  }

  view(): object {
    return {
      communicationUserId: this.identity?.id ?? null,
      createdOn: this.identity?.createdOn ?? null,
      access: this.#banned ? 'disabled' : 'enabled',
    };
  }

  /** Asks ACS for what is owed: the identity's own resource does it, any other one must not confirm it. */
  settle(here: Resource, now: number): void {
    if (!this.identity || !(this.#erasing || this.#owed)) return;
    if (this.identity.resource !== here) {
      this.#doubt();
      refuse('identity_of_other_resource');
    }
    this.#end();
    this.#owed = false;
    if (!this.#erasing) return;
    this.#countCycle(now);
    this.#erasing = false;
    this.identity = undefined;
  }

  #owe(): void {
    this.#owed ||= this.identity !== undefined && !this.#erasing;
  }

  #end(): void {
    for (const token of [...this.live, ...this.#unsure]) this.ended.add(token);
    this.live = new Set();
    this.#unsure = new Set();
  }

  #doubt(): void {
    for (const token of this.live) this.#unsure.add(token);
    this.live = new Set();
  }

  #requireCycle(now: number): void {
    if (this.#cycles.hour === hourOf(now) && this.#cycles.count >= erasuresPerHour) refuse('rate_limited');
  }

  #countCycle(now: number): void {
    const hour = hourOf(now);
    this.#cycles = { hour, count: this.#cycles.hour === hour ? this.#cycles.count + 1 : 1 };
  }
}

const hourOf = (now: number): number => Math.floor(now / 3_600_000);
