// One history with failures and several calls at once, and what must hold for each user whatever happened.
import assert from 'node:assert/strict';
import {
  say,
  users,
  type Command,
  type Resource,
  type Round,
  type UserCommand,
  type UserName,
} from './commands.ts';
import { judge, readIssued, type HandedOut } from './judge.ts';
import { everythingDueMs, isCall, Play, type Answer, type Watcher } from './play.ts';
import { fingerprint, momentOf, Timeline } from './timeline.ts';

/** No call lasts as long as the longest jumps of time, at which bearers expire and rows are forgotten. */
const longestWithinCallsSeconds = 150;

/** What is known of a user for certain, from the answers alone. */
interface Known {
  /** Whether he may be enabled, or disabled: both while a call that says so was not answered. */
  access: Set<boolean>;
  /** Bearers issued before are refused, seconds since 1970. */
  validFrom: number;
  readonly handedOut: HandedOut[];
  /** When the last erasure began that was confirmed: no identity from before may come back. */
  erasedAt: number;
  /** Whether ACS ever lost an identity of his. */
  lost: boolean;
}

const newKnown = (): Known => ({
  access: new Set([true]),
  validFrom: 0,
  handedOut: [],
  erasedAt: 0,
  lost: false,
});

export class History {
  readonly lines: string[] = [];
  readonly #timeline: Timeline;
  readonly #play: Play;
  readonly #known = new Map<UserName, Known>(users.map((user) => [user, newKnown()]));

  constructor() {
    const watcher: Watcher = {
      stepped: (step, here, by) => {
        this.#timeline.stepped(step, here, by);
      },
      suffers: (by, fate, step) => {
        this.#timeline.suffers(by, fate, step);
      },
    };
    this.#play = new Play({ requestsPerMinute: 1_000_000 }, watcher);
    this.#timeline = new Timeline(this.#play.world);
  }

  get suffered(): ReadonlySet<string> {
    return this.#play.suffered;
  }

  async run(rounds: readonly Round[]): Promise<void> {
    for (const round of rounds) {
      const faults = round.faults.map(({ by, step, fate, seconds }) => `${by}/${step} ${fate} ${seconds} s`);
      this.lines.push(
        `- ${round.inTurn ? 'the first beside the rest in turn' : 'at once'}, faults [${faults.join(', ')}], giving up at ${String(round.giveUpAt)}`,
      );
      this.#play.begin(round);
      await this.#together(round);
      await this.#play.landed();
      this.#timeline.roundEnded();
      this.#checkIdentities();
    }
    await this.#play.calm();
    await this.#settle();
    this.#checkQuiet();
    for (const user of users) await this.#checkAlive(user);
    this.#checkIdentities();
  }

  async #together({ commands, inTurn }: Round): Promise<void> {
    const run = async (one: Command): Promise<void> => {
      await this.#command(one, commands);
      this.#play.ended();
    };
    const [first, ...others] = commands;
    if (!inTurn || !first) {
      await Promise.all(commands.map(run));
      return;
    }
    const rest = async (): Promise<void> => {
      for (const one of others) await run(one);
    };
    await Promise.all([run(first), rest()]);
  }

  async #command(one: Command, together: readonly Command[]): Promise<void> {
    if (isCall(one)) return this.#call(one, together);
    this.lines.push(say(one));
    switch (one.kind) {
      case 'advance': {
        const most = together.length > 1 ? longestWithinCallsSeconds : Infinity;
        this.#play.world.advance(Math.min(one.seconds, most) * 1000);
        return;
      }
      case 'start':
        this.#play.start(one.by, one.resource, one.repair);
        return;
      case 'lose':
        this.#play.world.identities.delete(this.#timeline.current(one.user)?.identity ?? '');
        this.#of(one.user).lost = true;
        return;
      case 'cleanUp': {
        const answer = await this.#play.cleanUp(one.by);
        assert.ok(answer.kind !== 'threw', String(answer.value));
        assert.ok(answer.kind !== 'refused' || this.#play.faulty, 'cleaning up fails only with its store');
      }
    }
  }

  async #call(one: UserCommand, together: readonly Command[]): Promise<void> {
    const known = this.#of(one.user);
    const since = this.#timeline.now();
    const here = this.#play.resourceOf(one.by);
    const seconds = this.#play.world.storeTime / 1000;
    const issuedAt = one.bearer === undefined ? undefined : seconds - one.bearer;
    const before = { handedOut: [...known.handedOut], validFrom: known.validFrom };
    if (one.kind === 'setAccess') {
      known.access.add(one.enabled);
      if (one.enabled) this.#timeline.enabling.add(one.user);
    }
    const answer = await this.#play.call(one);
    this.lines.push(`${say(one)}: ${JSON.stringify(answer)}`);
    const { faulty } = this.#play;
    const versions = this.#timeline.since(one.user, since);
    const reads = this.#timeline.readsSince(one.by, since);
    const crowded = together.length > 1;
    judge({ command: one, answer, here, issuedAt, versions, reads, faulty, crowded, lost: known.lost });
    if (answer.kind !== 'ok') return;
    assert.ok((issuedAt ?? Infinity) >= before.validFrom, 'a bearer from before a revocation gets nothing');
    this.#checkEnded(one, answer, before.handedOut);
    if (answer.value === 'erased') known.erasedAt = Math.max(known.erasedAt, since);
    this.#learn(one, answer, seconds, together);
  }

  #learn(one: UserCommand, { value }: Answer, seconds: number, together: readonly Command[]): void {
    const known = this.#of(one.user);
    if (one.kind === 'issue') known.handedOut.push(readIssued(value));
    if (one.kind === 'revokeAll') known.validFrom = Math.max(known.validFrom, seconds + 1);
    if (one.kind !== 'setAccess') return;
    // Sure only where nobody else says at the same time what the user may do.
    const saying = together.filter((call) => call.kind === 'setAccess' && call.user === one.user);
    if (saying.length === 1) known.access = new Set([one.enabled]);
  }

  /** What was handed out before a revocation or an erasure began has ended when that is confirmed. */
  #checkEnded({ kind }: UserCommand, { value }: Answer, before: readonly HandedOut[]): void {
    for (const { identity, token } of before) {
      if (kind === 'revokeAll' || kind === 'revoke') {
        assert.ok(!this.#works(token), 'a token from before works after revoking');
      }
      if (kind === 'erase' && value === 'erased') {
        assert.ok(!this.#play.world.identities.has(identity), 'an identity that was erased exists');
      }
    }
  }

  #works(token: string): boolean {
    return [...this.#play.world.identities.values()].some(({ tokens }) => tokens.has(token));
  }

  /** One living identity per user at most, of all that anybody was handed a token for. */
  #checkIdentities(): void {
    for (const user of users) {
      const used = new Set(this.#of(user).handedOut.map(({ identity }) => identity));
      const living = [...used].filter((id) => this.#play.world.identities.has(id));
      const { identity } = this.#timeline.current(user) ?? {};
      const anew = identity === undefined || momentOf(identity) > this.#of(user).erasedAt;
      assert.ok(anew, 'an identity that was created before an erasure is in use after it');
      assert.ok(living.length <= 1, `${user} has tokens of ${String(living.length)} living identities`);
    }
  }

  /** The timer runs on both resources until everything was due. */
  async #settle(): Promise<void> {
    for (const resource of ['A', 'B', 'A', 'B'] as const) {
      this.#play.world.advance(everythingDueMs);
      this.#play.start(0, resource, false);
      const { kind, value } = await this.#play.cleanUp(0);
      assert.equal(kind, 'ok', String(value));
    }
  }

  #checkQuiet(): void {
    const { identities, durable, entries } = this.#play.world;
    for (const user of users) this.#checkQuietUser(user);
    const named = new Set(users.map((user) => this.#timeline.current(user)?.identity));
    const nameless = [...identities.keys()].filter((id) => !named.has(id));
    const forgotten = nameless.filter((id) => durable.has(id));
    assert.deepEqual(forgotten, [], 'an identity whose id was written down is in use or deleted');
    const unexcused = nameless.filter((id) => !this.#timeline.excused.has(id));
    assert.deepEqual(unexcused, [], 'only death or a broken connection makes an orphan');
    const possible = this.#play.faulty ? this.#timeline.lostClaims : 0;
    assert.ok(nameless.length <= possible, 'an orphan is counted, and there is none where nothing failed');
    const open = [...entries.values()].filter(({ attempts, stray }) => attempts > 0 || stray !== undefined);
    assert.deepEqual(open, [], 'the outbox is done');
  }

  #checkQuietUser(user: UserName): void {
    const row = this.#timeline.current(user);
    const { access, handedOut } = this.#of(user);
    assert.equal(row?.owed, undefined, 'nothing stays owed');
    assert.ok(row === undefined || ['none', 'ready'].includes(row.lifecycle), 'nothing stays begun');
    assert.ok(access.has(row?.access !== 'disabled'), 'what was decided last holds');
    if (row?.access !== 'disabled') return;
    for (const { token } of handedOut)
      assert.ok(!this.#works(token), 'a banned user holds a token that works');
  }

  /** Nothing is stuck: on the resource of his identity a user gets a token for it, and a banned one none. */
  async #checkAlive(user: UserName): Promise<void> {
    const row = this.#timeline.current(user);
    const resource: Resource = row?.resource === fingerprint('B') ? 'B' : 'A';
    this.#play.start(0, resource, true);
    const call = { kind: 'issue', user, by: 0, bearer: undefined, request: {} } as const;
    const answer = await this.#play.call(call);
    this.lines.push(`at last, ${say(call)}: ${JSON.stringify(answer)}`);
    if (row?.access === 'disabled') {
      assert.equal(answer.code, 'disabled');
      return;
    }
    assert.equal(answer.kind, 'ok', 'an enabled user gets a token in the end');
    const issued = readIssued(answer.value);
    const known = this.#of(user);
    if (row?.identity !== undefined && !known.lost) assert.equal(issued.identity, row.identity);
    known.handedOut.push(issued);
  }

  #of(user: UserName): Known {
    return this.#known.get(user) ?? assert.fail(user);
  }
}
