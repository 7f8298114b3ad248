// `npm run feed` against the app that runs: as people and pipelines call it where the process matters, and without one elsewhere.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { readAccess } from '../../cli/app/access.ts';
import { createCaller } from '../../cli/app/call.ts';
import { runCommand } from '../../cli/commandLine.ts';
import { feedCommand } from '../../cli/feed/command.ts';
import { readFeedOptions } from '../../cli/feed/options.ts';
import { demo } from '../../local/demo.ts';
import { dicomFile } from '../../local/dicomFiles.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { apiOf } from '../support/api.ts';
import { eventually } from '../support/clock.ts';
import { startOwnStack } from '../support/hosts.ts';
import { commandOf, type Ended, type Started } from './appProcess.ts';

const { startHost } = await startOwnStack({});
const host = await startHost();
const api = apiOf(host.run);
const { directory, start, call: feedProcess } = commandOf('feed.ts', host.run);
afterEach(() => api.clearFaults());

/** The command in this process, which spares the time that another one takes to start. */
async function feed(args: readonly string[]): Promise<Ended> {
  const said = { out: '', err: '' };
  const streams = {
    out: (text: string) => (said.out += text),
    err: (text: string) => (said.err += text),
  };
  const interrupted = new AbortController().signal;
  const code = await runCommand(streams, async () => {
    const options = readFeedOptions(args, {});
    if (options === 'help') assert.fail();
    const access = await readAccess(options.access, { LOCAL_DIR: directory });
    return feedCommand(options, {
      ...{ streams, clock: systemClock, url: access.url, interrupted },
      terminal: { colors: false, live: false, asks: false, columns: undefined },
      call: createCaller(access, options.access, interrupted),
      confirm: () => assert.fail('nobody can be asked'),
    });
  });
  return { code, ...said };
}

/** Starts a replay that is waited for, and answers its id. */
async function waitingFor(...args: string[]): Promise<Started & { readonly id: string }> {
  const started = start(['replay', ...args, '--wait', ...why]);
  let printed = '';
  started.child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  return { ...started, id: await eventually('an id', () => /^(\S+)\n/.exec(printed)?.[1]) };
}

/** The imaging service gets so many more changes. */
async function change(many: number): Promise<void> {
  for (let nth = 0; nth < many; nth += 1) {
    const reply = await fetch(`${host.run.azure.dicom}/v2/studies`, {
      method: 'POST',
      headers: { authorization: `Bearer ${host.run.demo.dicomBearer}`, 'content-type': 'application/dicom' },
      body: new Uint8Array(dicomFile({ study: crypto.randomUUID() })),
    });
    assert.equal(reply.status, 200);
  }
}

const imaging = new URL(demo.dicomUrl).host.replaceAll('.', '\\.');
const why = ['--reason', 'a drill'];

test('run delivers what waits, and status tells of it', async () => {
  assert.match((await feed(['status'])).out, new RegExp(`\n${imaging} +not started +- .*\n$`));
  await change(5);
  const run = await feed(['run']);
  assert.deepEqual([run.code, run.err], [0, '']);
  assert.match(run.out, new RegExp(`\n${imaging} +caught up .*\n\n${imaging}: 5 changes delivered\n$`));
  const status = await feedProcess(['status', '--service', 'telehealth-imaging']);
  assert.deepEqual([status.code, status.err], [0, '']);
  assert.match(status.out, new RegExp(`\n${imaging} +caught up +5 +5 +0 +0 +0 +0 +5 +<1 min ago\n$`));
  const json = await feed(['status', '--json']);
  assert.deepEqual([json.code, json.out], [0, `${(await api.operation('GET', 'change-feed')).text}\n`]);
});

test('a replay is waited for until it has delivered its range again', async () => {
  const { id, ended } = await waitingFor('--from', '2', '--to', '4', '--sinks', 'queue');
  const running = await feed(['status', id]);
  assert.equal(running.code, 0);
  assert.match(running.out, /\nSTATE {6}running\nPROGRESS {3}\[░+\] 0 %\n/);
  assert.equal((await feed(['run'])).code, 0);
  const { code, out, err } = await ended;
  assert.deepEqual([code, err], [0, '']);
  assert.match(
    out,
    /^\S+\nREPLAY[^]*\nSEQUENCES {2}2 to 4\nSTATE {6}done\nPROGRESS {3}\[█+\] 100 %\nEVENTS {5}3\n/,
  );
  assert.match((await feed(['status'])).out, new RegExp(`\n\nREPLAY .*\n${id} .* 2 to 4 +done .* 100 % `));
});

test('Ctrl-C leaves a replay running, and it can be cancelled once', async () => {
  const { id, child, ended } = await waitingFor('--from', '1', '--service', demo.dicomUrl);
  child.kill('SIGINT');
  const { code, err } = await ended;
  assert.equal(code, 130);
  assert.match(err, new RegExp(`^interrupted: .* goes on\\.\n.* -- status ${id}\n.* -- cancel ${id}\n$`));
  const again = await feed(['replay', '--from', '1', ...why]);
  assert.equal(again.code, 1);
  assert.match(again.err, new RegExp(`^conflict: .* ${id}\\.\nrequestId: `));
  const cancelled = await feed(['cancel', id, ...why]);
  assert.deepEqual(
    [cancelled.code, cancelled.out],
    [0, 'Cancelled after 0 of 5 sequences: 0 events delivered.\n'],
  );
  const seen = await feed(['status', id]);
  assert.equal(seen.code, 1);
  assert.match(seen.out, /\nSTATE {6}cancelled\n/);
});

test('what the app refuses is told by its field, and what is not there by its name', async () => {
  const beyond = await feed(['replay', '--from', '99', ...why]);
  assert.equal(beyond.code, 2);
  assert.match(beyond.err, /^invalid_request: from: expected at most 5/);
  const unknown = await feed(['replay', '--from', '1', '--service', 'elsewhere', ...why]);
  assert.deepEqual([unknown.code, unknown.err.startsWith('--service: expected one of ')], [2, true]);
  const url = await feed(['replay', '--from', '1', '--service', 'https://elsewhere.example', ...why]);
  assert.equal(url.code, 2);
  assert.match(url.err, /^not_found: service: /);
  const key = await feedProcess(['status'], { FUNCTION_APP_URL: host.url, FUNCTION_KEY: 'the-wrong-key' });
  assert.equal(key.code, 3);
  assert.match(key.err, /^key_refused: /);
});

test('set-cursor moves the cursor from where it is expected, and needs --yes where nobody is asked', async () => {
  const move = (from: string) => feed(['set-cursor', '--sequence', '3', '--expect', from, '--yes', ...why]);
  const nobody = await feedProcess(['set-cursor', '--sequence', '3', '--expect', '5', ...why]);
  assert.deepEqual(
    [nobody.code, nobody.err],
    [2, '--yes: needed for set-cursor where nobody can be asked\n'],
  );
  const wrong = await move('4');
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^conflict: expect: .*; 5 is\.\n/);
  const moved = await move('5');
  assert.deepEqual(
    [moved.code, moved.out],
    [0, 'The cursor stands at 3 now, in epoch 1; 2 sequences wait.\n'],
  );
  assert.match((await feed(['run'])).out, /: 2 changes delivered\n\nREPLAY /);
});

test('redrive offers again what the receiver refused', async () => {
  await api.fault({ service: 'subscriber', effect: { refuse: 6 } });
  await change(1);
  const run = await feed(['run']);
  assert.match(run.out, /: 1 dead letter: once the receiver is mended, npm run feed -- redrive offers/);
  const refused = await feed(['redrive', ...why]);
  assert.equal(refused.code, 1);
  assert.match(refused.out, new RegExp(`\n${imaging} +done +0 +1 +1\n$`));
  await api.clearFaults();
  const taken = await feed(['redrive', '--service', 'telehealth-imaging', ...why]);
  assert.equal(taken.code, 0);
  assert.match(taken.out, new RegExp(`\n${imaging} +done +1 +0 +0\n$`));
});
