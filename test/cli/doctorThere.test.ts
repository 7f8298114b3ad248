// The doctor asks the app: what it makes of the health, the timers and the stored reports, and its options.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { help, readDoctorOptions } from '../../cli/doctor/options.ts';
import { findingsOf, now, run, well, type App } from './doctorApp.ts';

test('where all is well the code is 0, and what nobody has used yet is said', async () => {
  const { code, out } = await run({}, false);
  assert.equal(code, 0);
  assert.match(out, /^CHECK +RESULT +DETAIL\nRelease +ok +[\d.]+\nSettings: communication +ok +off\n/);
  assert.match(out, /Timer: pullChangeFeed +unproven +it has not run in the process that answered\n/);
  assert.match(out, /Microsoft Graph +ok +worked <1 min ago\n/);
  assert.match(out, /Rotation: a-secret +ok +noop <1 min ago, 60 days left then\n/);
  assert.match(out, /\n8 ok, 1 unproven\n$/);
});

test('an app of another release is told, since what it says may be new to this command', async () => {
  const { code, findings } = await findingsOf({ details: { version: '9.9.9' } });
  const told = findings.find(({ check }) => check === 'Release');
  assert.deepEqual([code, told?.verdict], [0, 'unproven']);
  assert.match(told?.detail ?? '', /^the app is 9\.9\.9, this command is of \d/);
});

const failure = {
  time: now,
  code: 403,
  problem: 'Microsoft Graph refuses the app’s identity.',
  advice: 'the cure',
};
const feedError = { code: 'upstream_failed', message: 'The sink is down.', advice: 'the cure' };
const ailments: Readonly<Record<string, readonly [App, RegExp]>> = {
  'a failing service': [
    {
      details: {
        status: 'failing',
        dependencies: [{ name: 'graph', state: 'failing', lastFailure: failure }],
      },
    },
    /^Microsoft Graph: Microsoft Graph refuses the app’s identity \(403, <1 min ago\): the cure$/,
  ],
  'a failed timer': [
    {
      details: {
        timers: { rotateSecrets: { state: 'failed', time: now, detail: 'bad', advice: 'the cure' } },
      },
    },
    /^Timer: rotateSecrets: failed <1 min ago: bad: the cure$/,
  ],
  'a bad setting': [
    {
      details: {
        capabilities: {
          ...well.capabilities,
          rotation: { state: 'misconfigured', problems: [{ setting: 'KEY_VAULT_URL', problem: 'missing' }] },
        },
      },
    },
    /Settings: KEY_VAULT_URL: missing: Mend the app settings.*Environment variables/,
  ],
  'a failed rotation': [
    { client: { outcome: 'failed', error: { code: 'x', message: 'It went wrong.', advice: 'the cure' } } },
    /^Rotation: a-secret: failed <1 min ago: It went wrong\.: the cure$/,
  ],
  'a change feed that stopped': [
    { service: { outcome: 'sink_down', error: feedError } },
    /^Change feed: x\.dicom\.azurehealthcareapis\.com: sink_down <1 min ago: The sink is down\.: the cure$/,
  ],
  'dead letters': [{ service: { deadLetters: 2 } }, /dead letters: 2 changes: .*npm run feed -- redrive/],
  'another part': [
    { details: { parts: { telemetry: { ok: false, time: now, detail: 'no endpoint' } } } },
    /^telemetry: no endpoint: .*Environment variables/,
  ],
};

describe('the code is 1, with what to do, for', () => {
  for (const [what, [app, told]] of Object.entries(ailments))
    test(what, async () => {
      const { code, findings } = await findingsOf(app);
      assert.equal(code, 1);
      const wrong = findings.filter(({ verdict }) => verdict === 'failed');
      assert.match(
        wrong.map(({ check, detail, cure = '' }) => `${check}: ${detail}: ${cure}`).join('\n'),
        told,
      );
    });
});

test('what may pass, and a timer that another process may run, is unproven', async () => {
  const { code, findings } = await findingsOf({
    details: {
      dependencies: [{ name: 'graph', state: 'shaky', lastSuccess: now, lastFailure: failure }],
      timers: { rotateSecrets: { state: 'ok', time: now, overdueSince: now } },
    },
  });
  assert.equal(code, 0);
  const told = findings.filter(({ verdict }) => verdict === 'unproven').map(({ detail }) => detail);
  assert.deepEqual(told.length, 2);
  assert.match(told.join(), /overdue here.*it may pass/);
});

test('a part that is well but has something to say is unproven, with when it was said', async () => {
  const parts = { telemetry: { ok: true, time: now, detail: 'OTLP did not take it.' } };
  const { code, findings } = await findingsOf({ details: { parts } });
  assert.equal(code, 0);
  const { verdict, detail, cure } = findings.find(({ check }) => check === 'telemetry') ?? assert.fail();
  assert.equal(`${verdict}: ${detail}`, 'unproven: OTLP did not take it (<1 min ago)');
  assert.match(cure ?? '', /Monitoring Metrics Publisher/);
});

test('a service that nobody used since it failed is told with that failure and its cure', async () => {
  const last = { ...failure, time: '2026-03-01T11:40:00.000Z' };
  const { code, findings } = await findingsOf({
    details: { dependencies: [{ name: 'graph', state: 'unknown', lastFailure: last }] },
  });
  assert.equal(code, 0);
  const { verdict, detail, cure } =
    findings.find(({ check }) => check === 'Microsoft Graph') ?? assert.fail();
  assert.equal(
    `${verdict}: ${detail}: ${cure}`,
    'unproven: Microsoft Graph refuses the app’s identity (403, 20 min ago); not used since: the cure',
  );
});

test('an app that lets nobody in is told with its own code; a report that is not opened by the key is a finding', async () => {
  const shut = await run({ refuses: 'health/details' }, false);
  assert.equal(shut.code, 3);
  assert.match(shut.err, /^key_refused: The host refuses/);
  const { code, findings } = await findingsOf({ refuses: 'rotations' });
  assert.equal(code, 0);
  const [report] = findings.filter(({ check }) => check === 'Rotation: its reports');
  assert.match(`${report?.verdict} ${report?.cure}`, /^unproven .*A host key opens all/);
});

test('an app in which no job is on does nothing, which is not well', async () => {
  const off = { state: 'off' } as const;
  const capabilities = { communication: off, rotation: off, changeFeed: off };
  const { code, findings } = await findingsOf({ details: { capabilities } });
  assert.equal(code, 1);
  const [{ check, detail } = assert.fail()] = findings.filter(({ verdict }) => verdict === 'failed');
  assert.equal(`${check}: ${detail}`, 'Settings: no job is on: the app does nothing');
});

describe('options', () => {
  test('the help says what --json prints', () => {
    assert.match(help, /\n {2}--json +\{"ok","findings"\}/);
    assert.doesNotMatch(help, /answer as it is/);
  });

  test('say where to look', () => {
    const source = (...args: string[]) => {
      const read = readDoctorOptions(args, {});
      return read === 'help' ? read : read.source;
    };
    assert.equal(source(), undefined);
    assert.equal(source('--help'), 'help');
    assert.deepEqual(source('--local'), { kind: 'local' });
    assert.deepEqual(source('--environment'), { kind: 'environment' });
    assert.deepEqual(source('--settings', 'a.json'), { kind: 'file', path: 'a.json' });
    assert.deepEqual(source('--settings', ''), { kind: 'file', path: '' }, 'which no file has');
    const here = readDoctorOptions(['--local', '--json'], { FUNCTION_APP_URL: 'of no use, nor needed' });
    assert.ok(here !== 'help' && here.json);
  });
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['--local', '--environment'], /^--settings, --environment, --local: expected one of them/],
    [['--settings', '', '--local'], /^--settings, --environment, --local: expected one of them/],
    [['--local', '--key', 'the-key'], /^--key: only where the app is asked/],
    [['--local', '--url', 'https://f'], /^--url: only where the app is asked/],
    [['--local', '--key-stdin'], /^--key-stdin: only where the app is asked/],
    [['--local', '--bearer-file', 'b'], /^--bearer-file: only where the app is asked/],
    [['--local', '--bearer-command', 'b'], /^--bearer-command: only where the app is asked/],
    [['--url', 'http://func.azurewebsites.net'], /^--url: .*keys travel over https only/],
    [['here'], /^Unexpected argument 'here'/],
  ];
  for (const [args, words] of refused)
    test(`${args.join(' ')} is refused by name, and no key repeated`, () => {
      assert.throws(
        () => readDoctorOptions(args, {}),
        (error: Error) => {
          assert.match(error.message, words);
          assert.doesNotMatch(error.message, /the-key/);
          return true;
        },
      );
    });
});
