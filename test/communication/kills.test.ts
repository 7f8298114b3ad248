// The token service on real clients, killed before and after each request it makes: the clean-up finishes everything but the one gap.
import type { TableClient } from '@azure/data-tables';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Row } from '../../src/communication/directory.ts';
import { createIdentityTable } from '../../src/communication/identityTable.ts';
import { eachAtOnce } from '../../src/platform/concurrency.ts';
import { sha256Hex } from '../../src/platform/hash.ts';
import { accessKey, cloud, endpoint, identityState } from '../local/standIns/communication/clients.ts';
import { context, newUser, service, storageString, table } from './azure.ts';
import { Lane, type Deed, type Fate, type Outcome, type Place } from './kills/lane.ts';
import { bundleProgram } from '../support/doors.ts';

const deeds = ['issue', 'disable', 'revokeAll', 'erase'] as const;
const lanes = 3;

/** One process that did something for a user of its own, struck at one of its requests, and what was left in the end. */
interface Case {
  readonly deed: Deed;
  readonly key: string;
  /** The request at which it was struck, from 0. */
  readonly at: number;
  readonly fate: Fate;
  /** The identity that the user had before. */
  readonly had: string | undefined;
  readonly outcome: Outcome;
}

const folder = mkdtempSync(join(tmpdir(), 'telehealth-kills-'));
after(() => {
  rmSync(folder, { recursive: true });
});
const program = join(folder, 'child.cjs');
await bundleProgram(new URL('kills/child.ts', import.meta.url), program);
const communication = cloud.urls.communication ?? '';
const place: Place = { program, storage: storageString, communication, endpoint, accessKey };

/** Nothing is owed to a new user; for the others there is an identity with a token. */
async function prepare(deed: Deed): Promise<{ readonly key: string; readonly had: string | undefined }> {
  const { key } = newUser();
  if (deed === 'issue') return { key, had: undefined };
  const { user } = await service().issue({ key }, {}, context());
  return { key, had: user.communicationUserId };
}

async function strike(deed: Deed, at: number, fate: Fate): Promise<Case> {
  const { key, had } = await prepare(deed);
  const outcome = await new Lane(place).run(deed, key, { at: at + 1, fate });
  return { deed, key, at, fate, had, outcome };
}

/** As if the store's clock were ahead: its `Date` is what decides what is due. */
function later(ms: number): ReturnType<typeof service> {
  const sendRequest: PipelinePolicy['sendRequest'] = async (request, next) => {
    const response = await next(request);
    const date = Date.parse(response.headers.get('date') ?? '');
    response.headers.set('date', new Date(date + ms).toUTCString());
    return response;
  };
  const spoil = (client: TableClient): void => {
    client.pipeline.addPolicy({ name: 'later', sendRequest }, { afterPhase: 'Retry' });
  };
  return service({ spoil });
}

const exists = (id: string | undefined): boolean => {
  const found = id === undefined ? undefined : identityState(id);
  return found !== undefined && found.deletedAt === undefined;
};
const rowOf = async (key: string): Promise<Row | undefined> =>
  (await createIdentityTable(table('identities'), randomUUID).read(sha256Hex(key))).row;

/** Tables and containers are there; then the requests of each deed when nothing happens to it. */
await service().setAccess(newUser(), { enabled: false }, 'key', context());
const undisturbed = new Map<Deed, readonly string[]>();
for (const deed of deeds) {
  const { requests, ending } = await new Lane(place).run(deed, (await prepare(deed)).key);
  assert.equal(ending, 'done');
  undisturbed.set(deed, requests);
}
const requestsOf = (deed: Deed): readonly string[] => undisturbed.get(deed) ?? [];

const fates: readonly Fate[] = ['kill before', 'kill after', 'cut after'];
const planned = deeds.flatMap((deed) =>
  requestsOf(deed).flatMap((name, at) =>
    [...fates, ...(name.startsWith('acs') ? ['cut before' as const] : [])].map((fate) => ({
      deed,
      at,
      fate,
    })),
  ),
);
const cases = await eachAtOnce(planned, lanes, ({ deed, at, fate }) => strike(deed, at, fate));
for (const minutes of [10, 90]) {
  const report = await later(minutes * 60_000).cleanUp(context());
  assert.deepEqual([report.failed, report.unreadable, report.finished], [0, 0, true]);
}

/** Whether the effect of that request came about. */
function landed({ at, fate }: Case, request: number): boolean {
  return at > request || (at === request && fate !== 'kill before') || fate.startsWith('cut');
}
const said = ({ deed, at, fate }: Case): string =>
  `${deed}, ${fate} ${String(at + 1)} ${requestsOf(deed)[at] ?? ''}`;

for (const deed of deeds) {
  describe(`${deed}, killed or cut off at each of its ${String(requestsOf(deed).length)} requests`, () => {
    const own = cases.filter((one) => one.deed === deed);

    test('is struck where it was meant to be', () => {
      assert.ok(own.length >= 27);
      for (const one of own) {
        const { requests, ending } = one.outcome;
        assert.deepEqual(requests.slice(0, one.at + 1), requestsOf(deed).slice(0, one.at + 1), said(one));
        assert.equal(ending === undefined, one.fate.startsWith('kill'), said(one));
      }
    });

    test('leaves nothing begun and nothing owed after the clean-up', async () => {
      for (const one of own) {
        const row = await rowOf(one.key);
        assert.equal(row?.owed, undefined, said(one));
        assert.ok(row === undefined || row.lifecycle === 'none' || row.lifecycle === 'ready', said(one));
        if (row?.identity !== undefined) assert.ok(exists(row.identity), `${said(one)}: a living identity`);
      }
    });
  });
}

test('the outbox holds no identity and nothing that failed', async () => {
  for await (const { identity, attempts } of table('cleanups').listEntities()) {
    assert.deepEqual([identity, attempts], [undefined, 0]);
  }
});

describe('a first call', () => {
  const at = (name: string): number => requestsOf('issue').indexOf(name);
  const [claim, create, record] = [at('identities POST'), at('acs create'), at('identities PUT')] as const;
  const own = cases.filter(({ deed }) => deed === 'issue');

  test('claims, creates and records, in this order', () => {
    assert.ok(claim > 0 && create > claim && record > create);
  });

  test('leaves an identity that nobody can name between its creation and its record, and nowhere else', async () => {
    for (const one of own) {
      const { created } = one.outcome;
      const row = await rowOf(one.key);
      const orphan = exists(created) && row?.identity !== created;
      const unheard = one.at === create && one.fate === 'cut after';
      assert.equal(orphan, unheard || (landed(one, create) && !landed(one, record)), said(one));
    }
  });

  test('counts a possible orphan wherever it cannot know, and only there', async () => {
    for (const one of own) {
      const unheard = one.at === create && one.fate.startsWith('cut');
      const unsure = unheard || (landed(one, claim) && !landed(one, record));
      assert.equal((await rowOf(one.key))?.lostClaims ?? 0, unsure ? 1 : 0, said(one));
    }
  });

  test('of which only a reply is lost succeeds, but for the one to the creation', () => {
    for (const one of own.filter(({ fate }) => fate.startsWith('cut'))) {
      assert.equal(one.outcome.ending, one.at === create ? 'upstream_failed' : 'done', said(one));
    }
  });
});

/** What tells that the deed was done, by the row and by ACS. */
const effects: Readonly<Record<Exclude<Deed, 'issue'>, (row: Row | undefined, had: string) => boolean>> = {
  disable: (row, had) => row?.access === 'disabled' && identityState(had)?.liveTokens === 0,
  revokeAll: (row, had) => row?.tokensValidFrom !== undefined && identityState(had)?.liveTokens === 0,
  erase: (row, had) => row?.identity === undefined && !exists(had),
};
for (const deed of ['disable', 'revokeAll', 'erase'] as const) {
  test(`${deed} is done in the row and at ACS from its first write of the row on, and not at all before`, async () => {
    const decided = requestsOf(deed).indexOf('identities PUT');
    assert.ok(decided > 0);
    for (const one of cases.filter((other) => other.deed === deed)) {
      const row = await rowOf(one.key);
      const had = one.had ?? '';
      assert.equal(effects[deed](row, had), landed(one, decided), said(one));
      if (!landed(one, decided)) assert.equal(identityState(had)?.liveTokens, 1, said(one));
      if (one.fate.startsWith('cut')) assert.equal(one.outcome.ending, 'done', said(one));
    }
  });
}
