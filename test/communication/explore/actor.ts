// One process of the real token service over the tables and the ACS of the exploration, and what it is asked to do.
import type { Communication, Context } from '../../../src/communication/communication.ts';
import type { IdentityRows } from '../../../src/communication/store.ts';
import type { Audit } from '../../../src/platform/audit.ts';
import { isAppError } from '../../../src/platform/errors.ts';
import { sha256Hex } from '../../../src/platform/hash.ts';
import type { Log } from '../../../src/platform/log.ts';
import { Secret } from '../../../src/platform/secret.ts';
import { alice } from '../calls.ts';
import { endpoint, settingsWith } from '../world.ts';
import { acsIn } from './acs.ts';
import { judgeHandOut } from './judge.ts';
import { type Scheduler } from './scheduler.ts';
import { Actor } from './step.ts';
import type { Source } from './source.ts';
import { cleanupsTable, identitiesTable, type Place } from './tables.ts';
import type { World } from './world.ts';

export type Doing =
  'issue' | 'exchange' | 'revoke' | 'revokeAll' | 'disable' | 'enable' | 'erase' | 'cleanUp';

export interface Role {
  readonly name: string;
  /** One after the other, each in a process of its own. */
  readonly does: readonly Doing[];
  /** Configured for another ACS resource than the other processes. */
  readonly elsewhere?: boolean;
  readonly repair?: boolean;
  /** A self-service caller, whose bearer was issued before the schedule begins; else a backend asks. */
  readonly bearer?: boolean;
}

export interface Stage {
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly source: Source;
  readonly timers: boolean;
}

/** What a call found when it first read the row. */
interface Found {
  readonly names: readonly string[];
  readonly claim: string | undefined;
  readonly live: readonly string[];
}

const other = 'https://another.communication.azure.com';
const audit: Audit = { record: (_entry, action) => action() };

export class Process {
  readonly actor: Actor;
  readonly #stage: Stage;
  readonly #call: { found: Found | undefined } = { found: undefined };
  readonly #service: Communication;
  readonly #context: Context & { remainingMs(): number };
  readonly #issuedAt: number | undefined;

  constructor(stage: Stage, role: Role) {
    const { world, scheduler, source, timers } = stage;
    this.#stage = stage;
    this.actor = new Actor(role.name);
    const place: Place = { world, scheduler, by: this.actor, timers };
    const uuid = (): string => this.actor.uuid();
    const url = role.elsewhere === true ? other : endpoint;
    const resource = { kind: 'endpoint', endpoint: url } as const;
    this.#service = source.compose(settingsWith({ resource, identityRepair: role.repair === true }), {
      ...{ clock: scheduler.clock(this.actor), random: () => 0.5, uuid, audit },
      rows: judgedRows(source, place, this.#call),
      outbox: source.createOutboxTable(cleanupsTable(place)),
      acs: acsIn(place, sha256Hex(url).slice(0, 32)),
    });
    const { signal } = new AbortController();
    this.#context = { log: this.#log(), signal, requestId: 'request-1', remainingMs: () => 200_000 };
    this.#issuedAt = role.bearer === true ? Math.floor(scheduler.time / 1000) : undefined;
  }

  /** Answers the code of the error it ends with. */
  async do(doing: Doing): Promise<string | undefined> {
    const { world } = this.#stage;
    this.actor.doing = doing;
    this.#call.found = undefined;
    try {
      await this.#ask(doing);
      return undefined;
    } catch (error) {
      if (isAppError(error) && error.code !== 'internal') return error.code;
      world.violate('a call ends with an error of ours', String(error));
      return 'internal';
    }
  }

  async #ask(doing: Doing): Promise<void> {
    const { world } = this.#stage;
    const [service, context] = [this.#service, this.#context];
    const subject = this.#issuedAt === undefined ? alice : { ...alice, tokenIssuedAt: this.#issuedAt };
    switch (doing) {
      case 'issue': {
        const { token, user } = await service.issue(subject, {}, context);
        judgeHandOut(world, { token, identity: user.communicationUserId, issuedAt: this.#issuedAt });
        return;
      }
      case 'exchange': {
        const caller = { ...subject, oid: 'oid' };
        const { token } = await service.exchangeTeams(caller, new Secret('teams'), context);
        judgeHandOut(world, { token, issuedAt: this.#issuedAt });
        return;
      }
      case 'revoke':
        return this.#ends(() => service.revoke(subject, context));
      case 'revokeAll': {
        const from = Math.floor(this.#stage.scheduler.time / 1000);
        await this.#ends(() => service.revokeAll(alice, 'key', context));
        world.revokedUpTo = Math.max(world.revokedUpTo, from);
        return;
      }
      case 'disable':
      case 'enable':
        await service.setAccess(alice, { enabled: doing === 'enable' }, 'key', context);
        return;
      case 'erase':
        return this.#erase(() => service.erase(alice, 'key', context));
      case 'cleanUp':
        await service.cleanUp(context);
        return;
    }
  }

  /** Every token that lived when the row was first read is dead when the call has ended well. */
  async #ends(call: () => Promise<void>): Promise<void> {
    const { world } = this.#stage;
    await call();
    for (const token of world.liveTokens()) {
      if (this.#call.found?.live.includes(token)) world.violate('what was revoked is dead', token);
    }
  }

  /** What the row named when it was first read is gone, or will be. */
  async #erase(call: () => Promise<'erased' | 'pending'>): Promise<void> {
    const { world } = this.#stage;
    const answer = await call();
    const { names = [], claim } = this.#call.found ?? {};
    if (claim !== undefined) world.erasedClaims.add(claim);
    for (const id of names) {
      if (answer === 'pending') world.mustGo.add(id);
      else if (world.identities.has(id)) world.violate('what was erased does not exist', id);
    }
  }

  #log(): Log {
    const { world } = this.#stage;
    const none = (): void => undefined;
    const warn: Log['warn'] = (event, fields) => {
      if (event === 'possible_orphan' && fields?.['reason'] === 'not recorded') world.notRecorded += 1;
    };
    return { info: none, warn, error: none };
  }
}

/** The store promises that a write which it calls refused is not the one that the row holds. */
function judgedRows(
  { createIdentityTable }: Source,
  place: Place,
  call: { found: Found | undefined },
): IdentityRows {
  const { world, by } = place;
  let latest = '';
  const rows = createIdentityTable(identitiesTable(place), () => (latest = by.uuid()));
  return {
    ...rows,
    async read(...asked) {
      const answer = await rows.read(...asked);
      const { names = [], claim } = world.row ?? {};
      const known = names.filter((id) => world.identities.get(id)?.denied !== true);
      call.found ??= { names, claim: claim && world.claimedBy, live: world.liveTokens(known) };
      return answer;
    },
    async write(...asked) {
      const answer = rows.write(...asked);
      const writer = latest;
      const landed = await answer;
      if (!landed && world.row?.writer === writer) {
        world.violate('a refused write is none that landed', by.doing);
      }
      return landed;
    },
  };
}
