// What a report says of an error that ended a run: whose it is, and what to do about it.
import { RestError } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endingOf } from '../../src/changeFeed/ending.ts';
import { SignInError } from '../../src/platform/credential.ts';
import { AppError } from '../../src/platform/errors.ts';
import { UnreadableDocument } from '../../src/platform/stateDocuments.ts';

function told(error: unknown): unknown[] {
  const { outcome, error: words } = endingOf(error);
  return [outcome, words?.code, words?.message];
}

/** As the storage clients throw it, with the request in its words. */
function storageError(statusCode: number | undefined, code: string): RestError {
  const words = `${code} https://account.blob.core.windows.net/state/change-feed?sig=secret`;
  return new RestError(words, { code, ...(statusCode === undefined ? {} : { statusCode }) });
}

test("a failure of the state's storage is called that, with its status and code and nothing of its words", () => {
  const refused = storageError(403, 'AuthorizationPermissionMismatch');
  const message = "The storage of the app's state failed (403 AuthorizationPermissionMismatch).";
  assert.deepEqual(told(refused), ['failed', 'upstream_failed', message]);
  assert.match(
    endingOf(refused).error?.advice ?? '',
    /azd provision.*Blob Data Contributor.*container "state".*Table Data Contributor/,
  );
  const broken = storageError(undefined, 'ECONNRESET');
  assert.deepEqual(told(broken)[2], "The storage of the app's state failed (ECONNRESET).");
  const silent = Object.assign(new Error('x'), { name: 'AbortError' });
  assert.deepEqual(told(silent)[2], "The storage of the app's state failed (no answer).");
  assert.match(endingOf(silent).error?.advice ?? '', /STATE_STORAGE.*can be reached/);
});

test('a sign-in that failed is told as that, whoever needed it', () => {
  const cause = new SignInError('Sign-in failed. Tried: everything.');
  for (const error of [
    cause,
    new RestError('x', { code: 'y' }),
    new AppError('upstream_failed', 'x', { cause }),
  ]) {
    error.cause ??= cause;
    assert.deepEqual(told(error), ['unauthorized', 'upstream_failed', 'The app could not sign in.']);
  }
});

test('a document that is not readable is named, and an error of our own says no more than its name', () => {
  const newer = new UnreadableDocument(
    'change-feed/a/replays/b.json has schema 2; this release reads up to 1',
  );
  assert.match(String(told(newer)[2]), /^The state cannot be read: .*replays\/b\.json has schema 2/);
  assert.match(endingOf(newer).error?.advice ?? '', /release/);
  assert.deepEqual(told(new TypeError('2.25.1 is no function')), ['failed', 'internal', 'TypeError']);
});
