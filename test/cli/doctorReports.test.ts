// What the doctor makes of each state that an app tells, one by one, and how people and pipelines see it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters, styleText } from 'node:util';
import { findingsOf, now, on, run, well, type App } from './doctorApp.ts';

const off = { state: 'off' } as const;
const error = { code: 'upstream_failed', message: 'It went wrong.', advice: 'the cure' };
const failure = { time: now, problem: 'It refuses.', advice: 'the cure' };
const problems = [{ setting: 'KEY_VAULT_URL', problem: 'missing' }];
const wrong = { ...well.capabilities, rotation: { state: 'misconfigured', problems } } as const;
const feed = 'Change feed: x.dicom.azurehealthcareapis.com';
const mend = 'Mend the app settings that are named: Azure portal, the function app, Environment variables.';

/** What is found by that name: `<verdict>: <detail>`, and the cure. */
const states: Readonly<
  Record<string, readonly [App, check: string, told: string | undefined, cure?: string]>
> = {
  'a capability with a bad setting': [
    ...([{ details: { capabilities: wrong } }, 'Settings: rotation', 'failed: misconfigured', mend] as const),
  ],
  'a bad setting': [
    ...([{ details: { capabilities: wrong } }, 'Settings: KEY_VAULT_URL', 'failed: missing', mend] as const),
  ],
  'a failed timer that is overdue as well': [
    {
      details: {
        timers: { rotateSecrets: { state: 'failed', time: now, detail: 'bad', overdueSince: now } },
      },
    },
    ...(['Timer: rotateSecrets', 'failed: failed <1 min ago: bad'] as const),
  ],
  'one of several services of a kind': [
    {
      details: { dependencies: [{ name: 'stateTables', target: 'cursors', state: 'ok', lastSuccess: now }] },
    },
    ...(['Storage, the tables of the state (cursors)', 'ok: worked <1 min ago'] as const),
  ],
  'a service that nobody has used': [
    { details: { dependencies: [{ name: 'graph', state: 'unknown' }] } },
    ...(['Microsoft Graph', 'unproven: not used yet'] as const),
  ],
  'a failure without a code': [
    { details: { dependencies: [{ name: 'graph', state: 'failing', lastFailure: failure }] } },
    ...(['Microsoft Graph', 'failed: It refuses (<1 min ago)', 'the cure'] as const),
  ],
  'a failure with a code of Node’s': [
    {
      details: {
        dependencies: [{ name: 'graph', state: 'failing', lastFailure: { ...failure, code: 'ENOTFOUND' } }],
      },
    },
    ...(['Microsoft Graph', 'failed: It refuses (ENOTFOUND, <1 min ago)', 'the cure'] as const),
  ],
  'a rotation that has never run': [
    ...([{ client: { time: undefined } }, 'Rotation: a-secret', 'unproven: never run'] as const),
  ],
  'a rotation of which no expiry is known': [
    ...([{ client: { daysToExpiry: undefined } }, 'Rotation: a-secret', 'ok: noop <1 min ago'] as const),
  ],
  'a rotation that failed for no stated reason': [
    { client: { outcome: 'failed' } },
    ...(['Rotation: a-secret', 'failed: failed <1 min ago', 'npm run rotation -- status'] as const),
  ],
  'a rotation that was no failure, whatever it met': [
    ...([{ client: { outcome: 'waiting', error } }, 'Rotation: a-secret'] as const),
    'ok: waiting <1 min ago, 60 days left then',
  ],
  'a change feed that has never run': [{ service: { time: null } }, feed, 'unproven: never run'],
  'a change feed that stopped for no stated reason': [
    { service: { outcome: 'forbidden' } },
    ...([feed, 'failed: forbidden <1 min ago', 'npm run feed -- status'] as const),
  ],
  'a change feed that is behind': [
    ...([{ service: { lag: 3 } }, feed, 'ok: caught_up <1 min ago, 3 changes behind'] as const),
  ],
  'a change feed that is not': [{ service: { lag: 0 } }, feed, 'ok: caught_up <1 min ago'],
  'a change feed of which that is not known': [{ service: { lag: null } }, feed, 'ok: caught_up <1 min ago'],
  'dead letters that could not be counted': [
    ...([{ service: { deadLetters: null } }, `${feed}, dead letters`, undefined] as const),
  ],
  'dead letters of a change feed that stopped': [
    { service: { outcome: 'sink_down', error, deadLetters: 2 } },
    ...([`${feed}, dead letters`, 'failed: 2 changes'] as const),
    'Mend the receiver, then: npm run feed -- redrive --reason …',
  ],
  'dead letters of a change feed that has not run': [
    ...([{ service: { time: null, deadLetters: 2 } }, `${feed}, dead letters`, 'failed: 2 changes'] as const),
    'Mend the receiver, then: npm run feed -- redrive --reason …',
  ],
  'reports that the key does not open': [
    { refuses: 'change-feed', advice: 'the cure' },
    'Change feed: its reports',
    ...(['unproven: not read (key_refused): The host refuses the function key.', 'the cure'] as const),
  ],
  'a part that is well': [
    ...([{ details: { parts: { telemetry: { ok: true, time: now } } } }, 'telemetry', 'ok: '] as const),
  ],
  'a capability, which is told among the settings': [
    { details: { capabilities: wrong, parts: { rotation: { ok: false, time: now, detail: 'bad' } } } },
    ...(['rotation', undefined] as const),
  ],
};

describe('told is', () => {
  for (const [what, [app, check, told, cure]] of Object.entries(states))
    test(what, async () => {
      const found = (await findingsOf(app)).findings.find((one) => one.check === check);
      assert.equal(found && `${found.verdict}: ${found.detail}`, told);
      assert.equal(found?.cure, cure);
    });
});

test('reports are asked of those jobs alone that are on', async () => {
  const asked = async (rotation: object, changeFeed: object): Promise<readonly string[]> => {
    const capabilities = { communication: on, rotation, changeFeed } as typeof well.capabilities;
    return (await run({ details: { capabilities } })).asked.map(({ path }) => path);
  };
  assert.deepEqual(await asked(on, off), ['health/details', 'rotations']);
  assert.deepEqual(await asked(off, on), ['health/details', 'change-feed']);
  assert.deepEqual(await asked(wrong.rotation, wrong.rotation), ['health/details']);
});

test('a pipeline reads whether all is well from one field, too', async () => {
  const read = async (app: App): Promise<unknown> => (JSON.parse((await run(app)).out) as { ok: unknown }).ok;
  assert.equal(await read({}), true);
  assert.equal(await read({ client: { outcome: 'failed' } }), false);
  const shut = await run({ refuses: 'health/details' }, false);
  assert.deepEqual([shut.code, shut.out], [3, '']);
});

test('colours tell verdicts apart, and what may need mending is told with what mends it', async () => {
  const app: App = {
    details: {
      dependencies: [
        { name: 'graph', state: 'shaky', lastFailure: { ...failure, advice: 'Wait\u001b[2J.' } },
        { name: 'keyVault', state: 'failing', lastFailure: failure },
      ],
    },
  };
  const { out } = await run(app, false, { colors: true });
  const painted = (color: 'green' | 'red' | 'yellow', text: string): string =>
    styleText(color, text, { validateStream: false });
  for (const text of ['ok      ', '7 ok']) assert.ok(out.includes(painted('green', text)), text);
  for (const text of ['unproven', 'Microsoft Graph', '2 unproven'])
    assert.ok(out.includes(painted('yellow', text)), text);
  for (const text of ['failed  ', 'Key Vault', '1 failed'])
    assert.ok(out.includes(painted('red', text)), text);
  const { out: plain } = await run(app, false);
  assert.equal(stripVTControlCharacters(out), plain);
  assert.match(plain, /\nWHAT TO DO\nMicrosoft Graph:\n {2}Wait \[2J\.\nKey Vault:\n {2}the cure\n\n/);
  assert.doesNotMatch((await run({}, false)).out, /WHAT TO DO/);
});
