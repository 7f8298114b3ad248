// The judgement of the DICOM service's answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeLatest, judgePage, judgeTime, judgeWindow } from '../../src/changeFeed/dicomReplies.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import type { RestReply } from '../../src/platform/restClient.ts';

const reply = (body: unknown, status = 200): RestReply => ({
  status,
  header: () => undefined,
  text: typeof body === 'string' ? body : JSON.stringify(body),
  serverTime: undefined,
});
const entry = {
  ...{
    sequence: 7,
    partitionName: 'p',
    studyInstanceUid: '1.2',
    seriesInstanceUid: '1.3',
    sopInstanceUid: '1.4',
  },
  ...{ action: 'Create', state: 'Current', timestamp: '2022-11-25T08:44:12.3524895+00:00' },
};
const page = (...entries: unknown[]) => judgePage(reply(entries), { from: 1, to: 10 });
const refused = (what: RegExp) => (error: unknown) =>
  error instanceof FeedStop && what.test(error.message) && !error.message.includes('1.2');

test('keys and known values are read in any case, numbers of actions too, and what is unknown passes through', () => {
  const pascal = Object.fromEntries(
    Object.entries(entry).map(([key, value]) => [key.charAt(0).toUpperCase() + key.slice(1), value]),
  );
  const [read] = page({ ...pascal, Action: 'delete', State: 'REPLACED', Extra: 1, FilePath: null });
  assert.deepEqual(read, {
    ...entry,
    action: 'Delete',
    state: 'Replaced',
    filePath: undefined,
    metadata: undefined,
  });
  assert.deepEqual(page({ ...entry, action: 2 })[0]?.action, 'Update');
  assert.deepEqual(page({ ...entry, action: 'archive', state: 'frozen' })[0]?.action, 'archive');
  const { partitionName: _, ...rest } = entry;
  assert.equal(page(rest)[0]?.partitionName, 'Microsoft.Default');
});

test('an empty feed is told by 204, an empty body or null', () => {
  for (const empty of [reply('', 204), reply(''), reply('null')]) assert.equal(judgeLatest(empty), undefined);
  assert.equal(judgeLatest(reply(entry))?.sequence, 7);
});

test('sequences that a number cannot hold exactly are refused', () => {
  const text = JSON.stringify([entry]).replace(':7,', ':9007199254740993,');
  assert.throws(
    () => judgePage(reply(text), { from: 1, to: Number.MAX_SAFE_INTEGER }),
    refused(/kept exactly/),
  );
});

test('numbers of metadata that a number cannot hold exactly are text, and nothing else is touched', () => {
  const values = '[9007199254740993,-9223372036854775808, 18446744073709551615]';
  const others = '[18014398509481984,1234567890123456.5,0.12345678901234567,1e16,7]';
  const strings = '["9007199254740993","a,9007199254740993","\\",9007199254740993"]';
  const json = `{"1":{"Value":${values}},"2":{"Value":${others}},"3":{"Value":${strings}}}`;
  const text = JSON.stringify([entry]).replace('}]', `,"metadata":${json}}]`);
  const [read] = judgePage(reply(text), { from: 1, to: 10 });
  assert.deepEqual(read?.metadata, {
    '1': { Value: ['9007199254740993', -9223372036854775808, '18446744073709551615'] },
    '2': { Value: JSON.parse(others) as unknown },
    '3': { Value: JSON.parse(strings) as unknown },
  });
});

test('every other shape is refused, without repeating what it said', () => {
  for (const bad of [
    { ...entry, sequence: 0 },
    { ...entry, sequence: 1.5 },
    { ...entry, sopInstanceUid: '' },
    { ...entry, action: '' },
    { ...entry, timestamp: '2022-11-25T08:44:12' },
    { ...entry, timestamp: 'now' },
    { ...entry, metadata: [] },
    null,
    [],
  ]) {
    assert.throws(() => page(bad), refused(/DICOM service answered/), JSON.stringify(bad));
  }
  assert.throws(() => page({ ...entry, sequence: 11 }), refused(/ascending/));
  assert.throws(() => page(entry, entry), refused(/ascending/));
  assert.throws(() => judgePage(reply([entry]), { from: 8, to: 10 }), refused(/ascending/));
  assert.throws(() => judgePage(reply({ ...entry }), { from: 1, to: 10 }), refused(/not a list/));
  for (const sequence of [0, -7])
    assert.throws(() => judgeLatest(reply({ ...entry, sequence })), refused(/kept/));
  assert.throws(() => judgeWindow(reply([entry, entry]), 200), refused(/repeated/));
  assert.throws(() => judgeWindow(reply([entry]), 0), refused(/too many/));
  assert.throws(() => judgeTime(reply([])), refused(/Date/));
  assert.throws(() => judgePage(reply('[1.2', 200), { from: 1, to: 1 }), refused(/JSON/));
});

test('each refusal of the service ends the run with its own outcome', () => {
  const outcomes = [204, 301, 400, 401, 403, 404, 406, 424, 500, 503].map((status) => {
    try {
      return judgePage(reply('', status), { from: 1, to: 1 });
    } catch (error) {
      return error instanceof FeedStop ? error.outcome : error;
    }
  });
  assert.deepEqual(outcomes, [
    ...['upstream_failed', 'misconfigured', 'upstream_failed', 'unauthorized', 'forbidden', 'misconfigured'],
    ...['misconfigured', 'upstream_failed', 'upstream_failed', 'upstream_failed'],
  ]);
});
