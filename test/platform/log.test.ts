// Log lines, and that no secret gets into one by way of an error or of a wrapped value.
import { RestError } from '@azure/core-rest-pipeline';
import * as fc from 'fast-check';
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { AppError } from '../../src/platform/errors.ts';
import { HealthBoard } from '../../src/platform/health.ts';
import { createLog, describeError, headline, withoutSecrets } from '../../src/platform/log.ts';
import { Secret } from '../../src/platform/secret.ts';
import { ManualClock } from '../support/clock.ts';

const key = 'Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5Q2FuYQ==';
const jwt = `eyJhbGciOiJSUzI1NiJ9.${'eyJvaWQiOiJjYW5hcnki'.repeat(4)}.c2lnbmF0dXJl`;

const secrets: Readonly<Record<string, readonly [text: string, secret: string]>> = {
  'a storage key': [`AccountName=clinic;AccountKey=${key};EndpointSuffix=x`, key],
  'a short storage key': ['AccountName=clinic;AccountKey=c2hvcnQ=;EndpointSuffix=x', 'c2hvcnQ'],
  'a communication key': ['endpoint=https://x.example/;accesskey=c2hvcnQ=', 'c2hvcnQ'],
  'a shared access key': ['SharedAccessKeyName=x;SharedAccessKey=c2hvcnQ=', 'c2hvcnQ'],
  'a signature in a URL': ['GET https://x.example/c?sv=2024&sig=c2hvcnQ%3D failed', 'c2hvcnQ'],
  'any query': ['GET https://x.example/c?t=c2hvcnQ failed', 'c2hvcnQ'],
  'a SAS': ['SharedAccessSignature=sv=2024&sig=c2hvcnQ', 'c2hvcnQ'],
  'a function key in a URL': ['https://app.example/api/users/x?code=c2hvcnQ', 'c2hvcnQ'],
  'a function key alone': ['code=c2hvcnQ was wrong', 'c2hvcnQ'],
  'a bearer': [`Authorization: Bearer ${jwt}`, jwt.slice(0, 30)],
  'a form': ['grant_type=x&client_secret=c2hvcnQ&scope=y', 'c2hvcnQ'],
  'a client secret of Entra': ['rejected Abc8Q~dEfGhIjKlMnOpQrStUvWxYz0123456789a', 'dEfGhIjKl'],
  'an ACS identity': [
    'no 8:acs:7e1e4ea1-7000-4000-8000-00000000000b_0000001f-7000-4000-8000-00000000000c',
    '0000001f-7000',
  ],
  'a DICOM UID': ['study 1.2.840.113619.2.55 is gone', '113619'],
  'a DICOM UID made of a number': ['study 2.25.32980073 is gone', '32980073'],
  'a long DICOM UID': [`1.2.826.0.1.${'12345.'.repeat(8)}7`, '12345'],
};

for (const [what, [text, secret]] of Object.entries(secrets)) {
  test(`${what} is cut out of an error's message, at every depth of its causes`, () => {
    assert.ok(text.includes(secret));
    assert.ok(!withoutSecrets(text).includes(secret), withoutSecrets(text));
    const error = new Error('outer', { cause: new Error(text, { cause: new Error(text) }) });
    assert.ok(!JSON.stringify(describeError(error)).includes(secret));
  });
}

test('words, GUIDs, versions, addresses and short host names stay readable', () => {
  const text =
    'AADSTS700016: no application 7e1e4ea1-7000-4000-8000-000000000001 at 127.0.0.1:443 (4.1037.0.0)';
  assert.equal(withoutSecrets(text), text);
});

test('an error is described by names, codes and statuses, with no other property', () => {
  const root = Object.assign(new TypeError('root'), {
    code: 'ECONNRESET',
    body: 'canary',
    headers: { a: 'canary' },
  });
  const middle = Object.assign(new Error('middle', { cause: root }), {
    ...{ statusCode: 503, request: { url: 'canary' }, response: { bodyAsText: 'canary' }, details: 'canary' },
  });
  assert.deepEqual(describeError(new AppError('upstream_failed', 'outer', { cause: middle })), {
    ...{ error: 'AppError', message: 'outer', code: 'upstream_failed' },
    ...{ cause1_error: 'Error', cause1_message: 'middle', cause1_statusCode: 503 },
    ...{ cause2_error: 'TypeError', cause2_message: 'root', cause2_code: 'ECONNRESET' },
  });
});

test('the answer that a client of an SDK could not parse is not repeated, however short', () => {
  const words = 'occurred while parsing the response body - {"value":"abc8Q~cut-of';
  const error = new RestError(`Error "SyntaxError: Unterminated string" ${words}`, { code: 'PARSE_ERROR' });
  const text = JSON.stringify(describeError(new Error('outer', { cause: error })));
  assert.ok(!text.includes('abc8Q'), text);
  assert.match(text, /could not be parsed/);
});

test('what is thrown but no error is named by its type alone', () => {
  assert.deepEqual(describeError('canary'), { error: 'string' });
  assert.deepEqual(describeError({ message: 'canary' }), { error: 'object' });
  assert.equal(headline('canary'), 'unknown error');
});

test('a chain of causes that bites its tail ends', () => {
  const error = new Error('x');
  error.cause = error;
  assert.equal(Object.keys(describeError(error)).length, 8);
});

test('a message is bounded, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
      assert.ok(withoutSecrets(text).length <= 300);
    }),
    { numRuns: 20 },
  );
});

test('the first line for a person is ours, or a mere name', () => {
  assert.equal(headline(new AppError('busy', 'Somebody else is at it.')), 'Somebody else is at it.');
  assert.equal(headline(new RangeError('canary')), 'RangeError');
});

test('each event is one line of JSON at its own level, with the fixed fields', () => {
  const lines: string[] = [];
  const at = (level: string) => (line: string) => lines.push(`${level} ${line}`);
  const log = createLog({ info: at('info'), warn: at('warn'), error: at('error') }, { function: 'f' });
  log.info('began');
  log.warn('slow', { ms: 5, hint: undefined });
  log.error('failed', { message: 'two\nlines' });
  assert.deepEqual(lines, [
    'info {"event":"began","function":"f"}',
    'warn {"event":"slow","function":"f","ms":5}',
    'error {"event":"failed","function":"f","message":"two\\nlines"}',
  ]);
});

test('a secret shows itself to nobody who does not ask', () => {
  const secret = new Secret('canary');
  const shown = [
    ...[String(secret), secret.toString(), JSON.stringify({ secret }), inspect({ secret }, { depth: 9 })],
    ...[inspect(secret, { showHidden: true }), JSON.stringify(Object.entries(secret))],
    ...[new Error(`bad ${secret.toString()}`).message],
  ];
  for (const text of shown) assert.doesNotMatch(text, /canary/);
  assert.equal(secret.toString(), '[redacted]');
  assert.equal(secret.reveal(), 'canary');
});

test('the health board tells the last state of each part, and is well only when all are', async () => {
  const clock = new ManualClock('2026-03-01T12:00:00.000Z');
  const board = new HealthBoard(clock);
  assert.ok(board.ok());
  board.note('rotation', false, 'KEY_VAULT_URL: missing');
  board.note('changeFeed', true);
  assert.ok(!board.ok());
  await clock.advance(1000);
  board.note('rotation', true);
  assert.ok(board.ok());
  assert.deepEqual(board.parts(), {
    rotation: { ok: true, time: '2026-03-01T12:00:01.000Z', detail: undefined },
    changeFeed: { ok: true, time: '2026-03-01T12:00:00.000Z', detail: undefined },
  });
});
