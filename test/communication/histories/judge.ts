// Judges what a call was answered by all that it could have met: the versions of the row while it was under way.
import assert from 'node:assert/strict';
import type { Row } from '../../../src/communication/directory.ts';
import type { ErrorCode } from '../../../src/platform/errors.ts';
import { cyclesPerHour } from '../../../src/platform/limits.ts';
import type { Resource, UserCommand } from './commands.ts';
import type { Answer } from './play.ts';
import { fingerprint, momentOf, type Version } from './timeline.ts';

/** A call that has ended, and what there was to see for it. */
export interface Ended {
  readonly command: UserCommand;
  readonly answer: Answer;
  readonly here: Resource;
  /** `iat` of the bearer, where there was one, seconds since 1970. */
  readonly issuedAt: number | undefined;
  /** What the row was while the call was under way, the oldest first. */
  readonly versions: readonly Version[];
  /** When the process read a row meanwhile. */
  readonly reads: readonly number[];
  /** Whether something failed or died, or time passed within a step, so far. */
  readonly faulty: boolean;
  /** Whether others were under way at the same time. */
  readonly crowded: boolean;
  /** Whether ACS ever lost an identity of the user. */
  readonly lost: boolean;
}

const refuses = (row: Row | undefined, issuedAt: number | undefined): boolean =>
  issuedAt !== undefined && issuedAt < (row?.tokensValidFrom ?? 0);
const holds = (row: Row | undefined): boolean =>
  row?.identity !== undefined || (row?.previous.length ?? 0) > 0;

/** Whether this row lets that caller in. */
const admits = (row: Row | undefined, issuedAt: number | undefined): boolean =>
  row?.access !== 'disabled' && !refuses(row, issuedAt);

/** For each refusal, what must have been the case. Those that are missing here must never be heard. */
const reasons: Partial<Record<ErrorCode, (ended: Ended) => boolean>> = {
  invalid_request: ({ command }) => badRequest(command),
  forbidden: ({ command }) => command.kind === 'exchange' && !command.withOid,
  unauthenticated: met((row, { issuedAt }) => refuses(row, issuedAt)),
  disabled: met((row) => row?.access === 'disabled'),
  not_found: met((row) => row?.identity === undefined && row?.access !== 'disabled'),
  identity_stale: ({ lost }) => lost,
  identity_of_other_resource: met((row, { here }) => holds(row) && row?.resource !== fingerprint(here)),
  rate_limited: met((row) => (row?.cycles?.count ?? 0) >= cyclesPerHour),
  // A creation whose caller gave up goes on, and whoever joins it may hear of an identity that was erased before he came.
  conflict: (ended) =>
    ended.faulty ||
    ended.versions.length > 1 ||
    met((row) => row?.lifecycle === 'deleting' || row?.owed !== undefined)(ended),
  busy: ({ faulty, crowded }) => faulty || crowded,
  upstream_timeout: ({ faulty, crowded }) => faulty || crowded,
  upstream_failed: ({ faulty }) => faulty,
  upstream_throttled: ({ faulty }) => faulty,
};

function met(judge: (row: Row | undefined, ended: Ended) => boolean): (ended: Ended) => boolean {
  return (ended) => ended.versions.some(({ row }) => judge(row, ended));
}

function badRequest(command: UserCommand): boolean {
  if (command.kind !== 'issue') return false;
  const { scopes, expiresInMinutes: minutes = 60 } = command.request;
  const known = scopes === undefined || (scopes.length > 0 && !scopes.includes('pstn'));
  return !known || ![60, 240].includes(minutes);
}

export function judge(ended: Ended): void {
  const { answer } = ended;
  switch (answer.kind) {
    case 'ok':
      judgeResult(ended, answer.value);
      return;
    case 'refused':
      assert.ok(answer.code !== undefined && reasons[answer.code]?.(ended), 'a refusal that has its reason');
      return;
    case 'threw':
      assert.fail(`no error of ours: ${String(answer.value)}`);
      return;
    case 'died':
    case 'gave up':
  }
}

function judgeResult(ended: Ended, value: unknown): void {
  const { command, issuedAt, faulty, crowded } = ended;
  assert.ok(met((row) => !refuses(row, issuedAt))(ended), 'a bearer from before gets nothing');
  switch (command.kind) {
    case 'issue':
      judgeIssued(ended, readIssued(value));
      return;
    case 'exchange': {
      const later = readAfter(ended, String(value));
      assert.ok(
        later.some(({ row }) => admits(row, issuedAt)),
        'a Teams token is handed out only to an enabled user',
      );
      return;
    }
    case 'setAccess':
      assert.equal(field(value, 'access'), command.enabled ? 'enabled' : 'disabled');
      return;
    case 'identity':
      assert.ok(met((row) => shows(row, value))(ended), 'what is shown was there');
      return;
    case 'erase':
      if (value === 'pending') assert.ok(faulty || crowded, 'pending only where something failed');
      else assert.ok(met((row) => !holds(row))(ended), 'erased means that nothing is held');
      return;
    case 'revoke':
    case 'revokeAll':
  }
}

/** The row is read once more after ACS issued the token, and what was read then must let it pass. */
function judgeIssued(ended: Ended, { identity, token }: HandedOut): void {
  const { command, here, issuedAt } = ended;
  assert.ok(!badRequest(command));
  const allowed = readAfter(ended, token).some(
    ({ row }) =>
      admits(row, issuedAt) &&
      row?.lifecycle === 'ready' &&
      row.identity === identity &&
      row.resource === fingerprint(here),
  );
  assert.ok(allowed, 'a token is handed out only for the ready identity of an enabled user');
}

/** The versions that the process can have read after the token was made. */
function readAfter({ versions, reads }: Ended, token: string): readonly Version[] {
  const later = reads.filter((at) => at > momentOf(token));
  return versions.filter(({ since }, index) => {
    const until = versions[index + 1]?.since ?? Infinity;
    return later.some((at) => since < at && at < until);
  });
}

function shows(row: Row | undefined, view: unknown): boolean {
  const identity = row?.identity ?? null;
  return (
    field(view, 'communicationUserId') === identity && field(view, 'access') === (row?.access ?? 'enabled')
  );
}

const field = (value: unknown, name: string): unknown => Reflect.get(Object(value), name);

export interface HandedOut {
  readonly identity: string;
  readonly token: string;
}

export function readIssued(value: unknown): HandedOut {
  return { identity: String(field(value, 'identity')), token: String(field(value, 'token')) };
}
