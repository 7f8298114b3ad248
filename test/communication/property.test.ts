// Random histories without failures, one call after another: the service answers exactly what the reference model says.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import { command, say, users, type Command } from './histories/commands.ts';
import { Model, settings } from './histories/model.ts';
import { everythingDueMs, isCall, Play, type Answer } from './histories/play.ts';
import { seeded, told } from './histories/seeded.ts';

class Exact {
  readonly #play = new Play(settings);
  readonly #model = new Model();
  readonly lines: string[] = [];
  readonly heard: string[] = [];

  constructor() {
    for (const slot of [0, 1, 2] as const) this.#model.start(slot, 'A', false);
  }

  async run(history: readonly Command[]): Promise<void> {
    for (const one of history) {
      await this.#step(one);
      this.#compare();
    }
  }

  async #step(one: Command): Promise<void> {
    const { world } = this.#play;
    if (!isCall(one)) {
      this.lines.push(say(one));
      await this.#happen(one);
      return;
    }
    const actual = await this.#play.call(one);
    this.lines.push(`${say(one)}: ${JSON.stringify(actual)}`);
    const expected = this.#model.answer(one, world.clock.now(), actual);
    assert.deepEqual(shown(one, actual), expected);
    this.heard.push(`${one.kind} ${actual.code ?? 'ok'}`);
  }

  async #happen(one: Exclude<Command, { bearer: unknown }>): Promise<void> {
    const { world } = this.#play;
    switch (one.kind) {
      case 'advance':
        world.advance(one.seconds * 1000);
        return;
      case 'start':
        this.#play.start(one.by, one.resource, one.repair);
        this.#model.start(one.by, one.resource, one.repair);
        return;
      case 'lose':
        world.identities.delete(this.#model.accounts.get(one.user)?.identity?.id ?? '');
        this.#model.lose(one.user);
        return;
      case 'cleanUp':
        world.advance(everythingDueMs);
        assert.equal((await this.#play.cleanUp(one.by)).kind, 'ok');
        this.#model.cleanUp(one.by, world.clock.now());
    }
  }

  /** What exists at ACS, and which of the tokens that were handed out work. */
  #compare(): void {
    const { identities } = this.#play.world;
    const accounts = [...this.#model.accounts.values()];
    const living = accounts.flatMap(({ identity }) => (identity && !identity.lost ? [identity.id] : []));
    assert.deepEqual([...identities.keys()].sort(), living.sort(), 'the identities that exist');
    const works = (token: string): boolean =>
      [...identities.values()].some(({ tokens }) => tokens.has(token));
    for (const user of users) {
      const { live = [], ended = [] } = this.#model.accounts.get(user) ?? {};
      for (const token of live) assert.ok(works(token), `a token of ${user} works`);
      for (const token of ended) assert.ok(!works(token), `a token of ${user} works no more`);
    }
  }
}

/** The token of an exchange is a new one each time. */
function shown({ kind }: Command, answer: Answer): Answer {
  return kind === 'exchange' && answer.kind === 'ok' ? { kind: 'ok', value: 'a token' } : answer;
}

/** What a command may be answered; each of these must come up, or the histories have become empty. */
const foreseen = {
  issue:
    'ok invalid_request rate_limited unauthenticated disabled conflict identity_stale identity_of_other_resource',
  exchange: 'ok forbidden rate_limited unauthenticated disabled',
  revoke: 'ok rate_limited unauthenticated identity_of_other_resource',
  revokeAll: 'ok identity_of_other_resource',
  setAccess: 'ok',
  erase: 'ok unauthenticated rate_limited identity_of_other_resource',
  identity: 'ok unauthenticated not_found',
};

test('without failures, every answer of every history is that of the reference model', async (t) => {
  const heard = new Set<string>();
  const histories = fc.noBias(fc.array(command, { minLength: 1, maxLength: 60, size: 'max' }));
  await seeded(t, 1000, histories, async (history) => {
    const exact = new Exact();
    await told(exact.lines, () => exact.run(history));
    for (const answer of exact.heard) heard.add(answer);
  });
  const all = Object.entries(foreseen).flatMap(([kind, answers]) =>
    answers.split(' ').map((a) => `${kind} ${a}`),
  );
  assert.deepEqual([...heard].sort(), all.sort());
});
