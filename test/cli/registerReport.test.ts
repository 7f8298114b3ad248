// How a registration is told: progress on a terminal alone, colours only where they are wanted, JSON as one document.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReporter, type Ending } from '../../cli/register/report.ts';

const line = { step: 'owner', state: 'remains', text: 'somebody else has to run: az …' } as const;
const ending: Ending = {
  ...{ dryRun: false, changed: true, recorded: false, steps: [line] },
  settings: { KEY_VAULT_URL: 'https://kv1.vault.azure.net' },
  commands: ['az role assignment create'],
};

function told(json: boolean, colors: boolean, live: boolean): { out: string; err: string } {
  const written = { out: '', err: '' };
  const streams = {
    out: (text: string) => (written.out += text),
    err: (text: string) => (written.err += text),
  };
  const reporter = createReporter(streams, json, { colors, live, columns: 80 });
  reporter.busy('asking');
  reporter.line(line);
  reporter.ending(ending);
  return written;
}

test('on a terminal progress is shown and taken back, and the result is in colour', () => {
  const { out, err } = told(false, true, true);
  assert.equal(err, '\r\u001b[2K… asking\r\u001b[2K');
  assert.ok(out.startsWith('\u001b[33mnot allowed   \u001b[39m somebody else'));
});

test('piped, there are plain lines, and what was not recorded is said', () => {
  const { out, err } = told(false, false, false);
  assert.equal(err, '');
  assert.match(out, /^not allowed {4}somebody else has to run/);
  assert.match(out, /Done but for what is said above\.\nNo audit record was written/);
});

test('as JSON there is one document and nothing else', () => {
  const { out, err } = told(true, false, true);
  assert.equal(err, '');
  assert.deepEqual(JSON.parse(out), ending);
});
