// The alert on calls that the host answers without the app: what it takes for an answer of the app is what the app gives.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { root } from './files.ts';
import { alerts, queryOf, tables } from './monitoringTables.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const alert = alerts.find(({ name }) => name === 'appUnavailable');
assert.ok(alert);
const text = queryOf(alert);
const [answered = '', rest = ''] = text.split(';\n');
const [, pattern = ''] = /parse_url\(url\)\.Path\) matches regex '\(\?i\)([^']+)'/.exec(text) ?? [];
const known = new RegExp(pattern, 'i');

test('a 404 counts on the routes that every caller and probe asks for, and on no other', () => {
  const { paths } = z.object({ paths: z.record(z.string(), z.unknown()) }).parse(parse(read('openapi.yaml')));
  const counted = Object.keys(paths).filter((path) =>
    known.test(`/api${path.replaceAll(/\{\w+\}/g, 'x-1')}`),
  );
  assert.deepEqual(counted.sort(), ['/health', '/tokens', '/users/{userId}/tokens']);
  const prefix = z.object({ extensions: z.object({ http: z.object({ routePrefix: z.string() }) }) });
  assert.equal(prefix.parse(JSON.parse(read('host.json'))).extensions.http.routePrefix, 'api');
  // The host takes both spellings (measured), and no empty parameter.
  for (const path of ['/API/Health', '/api/tokens/']) assert.match(path, known);
  for (const path of ['/api/users//tokens', '/api/users/a/b/tokens', '/api/healthz', '/health'])
    assert.doesNotMatch(path, known);
});

test('an answer of the app is one with its line in the log or its span, in the same trace', () => {
  assert.match(answered, /^let answered = union\n {2}\(traces \| where message startswith/);
  const http = read('src/functions/http.ts');
  const [, start = ''] = /message startswith '\{"event":"([^']*)'/.exec(answered) ?? [];
  for (const event of ['call_failed', 'call_refused'])
    assert.ok(event.startsWith(start) && http.includes(`('${event}', fields)`), event);
  const [, attribute = ''] = /customDimensions\["([^"]+)"\]/.exec(answered) ?? [];
  assert.ok(read('src/telemetry/telemetry.ts').includes(`span.setAttribute('${attribute}', `), attribute);
  assert.match(rest, /\| join kind=leftanti answered on operation_Id\n/);
  const table = tables.find(({ name }) => name === 'unanswered');
  assert.equal(table?.query.join('\n').split(';\n')[0], answered, 'the workbook judges as the alert does');
  assert.ok(table.query.includes("| where resultCode startswith '5' or resultCode == '404'"));
});

test('calls are counted as many as they were where the host keeps but some of them', () => {
  assert.match(rest, /summarize answers = sum\(itemCount\) by what = resultCode\n/);
});

test('what the host says of a call is judged once the app has had time to say its part', () => {
  assert.match(rest, /^union\n {2}\(requests\n {2}\| where timestamp < ago\(2m\)\n/);
});
