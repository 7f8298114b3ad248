// What is stored, what exists at ACS, and what was promised to whom: everything that a state of the exploration consists of.

/** A row as it is stored, in the words of the directory. */
export interface Stored {
  readonly entity: Readonly<Record<string, unknown>>;
  readonly lifecycle: string;
  readonly access: string;
  readonly identity: string | undefined;
  readonly names: readonly string[];
  readonly resource: unknown;
  readonly owed: unknown;
  readonly claim: { readonly writer: unknown; readonly until: number } | undefined;
  /** Seconds since 1970, 0 where nothing is refused. */
  readonly validFrom: number;
  readonly lostClaims: number;
  readonly changedOn: number;
  readonly writer: string;
}

export function stored(entity: Record<string, unknown>): Stored {
  const { lifecycle, access, identity, previous, resource, owed, writer, lostClaims } = entity;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const replaced = JSON.parse(text(previous)) as string[];
  const until = Date.parse(text(entity['claimUntil']));
  return {
    ...{ entity, resource, owed },
    lifecycle: text(lifecycle),
    access: text(access),
    identity: typeof identity === 'string' ? identity : undefined,
    names: typeof identity === 'string' ? [identity, ...replaced] : replaced,
    claim: entity['claimWriter'] === undefined ? undefined : { writer: entity['claimWriter'], until },
    validFrom: (Date.parse(text(entity['tokensValidFrom'])) || 0) / 1000,
    lostClaims: Number(lostClaims),
    changedOn: Date.parse(text(entity['changedOn'])),
    writer: text(writer),
  };
}

/** What an absent row amounts to. */
export const noRow: Omit<Stored, 'entity'> = {
  ...{ lifecycle: 'none', access: 'enabled', identity: undefined, names: [], resource: undefined },
  ...{ owed: undefined, claim: undefined, validFrom: 0, lostClaims: 0, changedOn: Infinity, writer: '' },
};

export interface Identity {
  readonly resource: string;
  readonly creator: string;
  readonly tokens: Set<string>;
  /** ACS once said that it does not know it. */
  denied: boolean;
}

/** The rules that hold in every state or at the end of every schedule. */
export type Rule =
  | 'a token is handed out only while the row is ready, enabled, names that identity and takes the bearer'
  | 'a bearer from before everything was revoked gets nothing'
  | 'one living identity has tokens, per user and resource'
  | 'no identity that the row is ready with is deleted'
  | 'an identity leaves the row only when its own resource has no such identity'
  | 'the row names identities of its own resource'
  | 'nobody but who enables lifts a ban'
  | 'what refuses bearers and what is counted never goes back'
  | 'what an erased claim created is never recorded'
  | 'the outbox names no identity of the row as a stray'
  | 'an identity is written down before it is deleted'
  | 'a create is sent only while its claim outlives it'
  | 'a refused write is none that landed'
  | 'what was erased does not exist'
  | 'what was revoked is dead'
  | 'nobody holds a live token of a disabled user'
  | 'nothing stays owed'
  | 'an identity that nobody names was never written down, and is counted'
  | 'in the end the user is served as the row says'
  | 'a call ends with an error of ours';

export class Violation extends Error {
  readonly rule: Rule;
  constructor(rule: Rule, what: string) {
    super(`${rule}: ${what}`);
    this.rule = rule;
  }
}

export class World {
  row: Stored | undefined;
  readonly entries = new Map<string, Readonly<Record<string, unknown>>>();
  readonly identities = new Map<string, Identity>();
  /** Identities that a row or the outbox ever named, that were deleted on request, whose creation was not answered. */
  readonly durable = new Set<string>();
  readonly deleted = new Set<string>();
  /** Tokens that somebody was handed. */
  readonly held = new Set<string>();
  readonly unanswered = new Set<string>();
  /** Tokens that a revocation has to end, identities and claims that an erase has to. */
  readonly mustDie = new Set<string>();
  readonly mustGo = new Set<string>();
  readonly erasedClaims = new Set<string>();
  /** The write that made the claim which the row holds: the same process may claim again under the same name. */
  claimedBy = '';
  /** Until when the last claim of each process holds. */
  readonly claims = new Map<string, number>();
  /** Seconds since 1970: a revocation of everything was confirmed to its caller at this time. */
  revokedUpTo = 0;
  /** Identities that their creators could not write down, and said so. */
  notRecorded = 0;
  #violation: Violation | undefined;

  violate(rule: Rule, what: string): void {
    this.#violation ??= new Violation(rule, what);
  }

  /** The first rule that was broken. */
  broken(): Violation | undefined {
    return this.#violation;
  }

  /** Every state that differs in a way that matters has another key. */
  key(): string {
    const identities = [...this.identities].map(([id, { tokens, denied }]) =>
      [id, denied, ...[...tokens].sort()].join(' '),
    );
    const entries = [...this.entries.values()].map((entry) => JSON.stringify(entry));
    const live = this.liveTokens([...this.identities.keys()]);
    const promises = [
      [...this.durable, '/', ...this.unanswered].filter((id) => id === '/' || this.identities.has(id)),
      live.filter((token) => this.mustDie.has(token)),
      live.filter((token) => this.held.has(token)),
      ...[this.deleted, this.mustGo, this.erasedClaims].map((set) => [...set].sort()),
    ].map((names) => names.join(' '));
    const claims = [...this.claims].sort().join(' ');
    return [
      JSON.stringify(this.row?.entity),
      ...identities.sort(),
      ...entries.sort(),
      ...promises,
      claims,
      this.claimedBy,
      this.revokedUpTo,
      this.notRecorded,
    ].join('\n');
  }

  liveTokens(names: readonly string[] = this.row?.names ?? []): readonly string[] {
    return names.flatMap((id) => [...(this.identities.get(id)?.tokens ?? [])]);
  }

  strays(): readonly string[] {
    return [...this.entries.values()].flatMap(({ identity }) =>
      typeof identity === 'string' ? [identity] : [],
    );
  }
}
