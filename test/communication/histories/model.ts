// What the token service must answer when nothing fails and one call follows another: the reference for every command.
import assert from 'node:assert/strict';
import { Account, refuse, Refusal, type Place } from './account.ts';
import { endpoints, users, type Resource, type Slot, type UserCommand, type UserName } from './commands.ts';
import { readIssued } from './judge.ts';
import type { Answer } from './play.ts';

/** What the model takes the settings to be. */
export const settings = {
  scopes: ['chat', 'voip'] as const,
  minutesDefault: 60,
  minutesMax: 240,
  requestsPerMinute: 2,
};

interface Process {
  readonly resource: Resource;
  readonly repair: boolean;
  /** When it was asked for what, for the limit per minute. */
  readonly taken: Map<string, number[]>;
}

export class Model {
  readonly accounts = new Map<UserName, Account>(users.map((user) => [user, new Account()]));
  readonly #processes = new Map<Slot, Process>();
  readonly #made = new Set<string>();

  start(slot: Slot, resource: Resource, repair: boolean): void {
    this.#processes.set(slot, { resource, repair, taken: new Map() });
  }

  lose(user: UserName): void {
    this.#account(user).lose();
  }

  /** The timer, when everything in the outbox is due. */
  cleanUp(slot: Slot, now: number): void {
    const { resource } = this.#process(slot);
    for (const account of this.accounts.values()) {
      if (account.identity?.resource === resource) account.settle(resource, now);
    }
  }

  /** What the call must answer; `actual` is asked only for the name of an identity or a token that is new. */
  answer(command: UserCommand, now: number, actual: Answer): Answer {
    try {
      return { kind: 'ok', value: this.#perform(command, now, actual) };
    } catch (error) {
      if (error instanceof Refusal) return { kind: 'refused', code: error.code };
      throw error;
    }
  }

  #perform(command: UserCommand, now: number, actual: Answer): unknown {
    const account = this.#account(command.user);
    const { resource, repair } = this.#process(command.by);
    const place: Place = { here: resource, repair, now };
    this.#admit(command, now);
    switch (command.kind) {
      case 'issue':
        return this.#issue(command, place, actual);
      case 'exchange':
        account.requireEnabled();
        return 'a token';
      case 'revoke':
        account.revoke(resource);
        return undefined;
      case 'revokeAll':
        account.revokeAll(place);
        return undefined;
      case 'setAccess':
        return account.setAccess(command.enabled, place);
      case 'erase':
        return account.erase(place);
      case 'identity':
        return account.known();
    }
  }

  /** What is refused before anything is looked up but the age of the bearer. */
  #admit(command: UserCommand, now: number): void {
    const { kind, user, bearer } = command;
    if (kind === 'issue') checkRequest(command.request);
    if (kind === 'exchange' && !command.withOid) refuse('forbidden');
    if (kind === 'issue' || kind === 'exchange') take(this.#process(command.by), user, now);
    if (kind === 'revoke') take(this.#process(command.by), `revoke ${user}`, now);
    if (kind === 'erase' && bearer !== undefined) take(this.#process(command.by), `erase ${user}`, now);
    this.#account(user).requireFresh(bearer === undefined ? undefined : Math.floor(now / 1000) - bearer);
  }

  #issue({ user, request }: Issue, place: Place, actual: Answer): object {
    const account = this.#account(user);
    const had = account.identity;
    const issued = readIssued(actual.value);
    const identity = account.issue(place, issued.token, issued.identity);
    if (identity !== had) {
      assert.ok(!this.#made.has(identity.id), 'a new identity, and not one that was handed out before');
      this.#made.add(identity.id);
    }
    return {
      identity: identity.id,
      token: issued.token,
      scopes: settings.scopes.filter((scope) => request.scopes?.includes(scope) ?? true),
      endpoint: endpoints[place.here],
    };
  }

  #account(user: UserName): Account {
    return this.accounts.get(user) ?? assert.fail(user);
  }

  #process(slot: Slot): Process {
    return this.#processes.get(slot) ?? assert.fail(`process ${String(slot)}`);
  }
}

type Issue = Extract<UserCommand, { kind: 'issue' }>;

function checkRequest({ scopes, expiresInMinutes = settings.minutesDefault }: Issue['request']): void {
  const known: readonly string[] = settings.scopes;
  if (scopes && (scopes.length === 0 || scopes.some((scope) => !known.includes(scope)))) {
    refuse('invalid_request');
  }
  const inRange = expiresInMinutes >= 60 && expiresInMinutes <= settings.minutesMax;
  if (!inRange || !Number.isInteger(expiresInMinutes)) refuse('invalid_request');
}

function take({ taken }: Process, key: string, now: number): void {
  const recent = (taken.get(key) ?? []).filter((time) => time > now - 60_000);
  if (recent.length >= settings.requestsPerMinute) refuse('rate_limited');
  taken.set(key, [...recent, now]);
}
