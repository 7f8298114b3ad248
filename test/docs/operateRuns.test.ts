// Runs the commands of the page for operators as it shows them, one after the other, beside the packaged app.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { commandOf } from '../cli/appProcess.ts';
import { apiOf } from '../support/api.ts';
import { startOwnStack } from '../support/hosts.ts';
import { storeImages } from '../support/images.ts';
import { commandsOf, read, root, wordsOf } from './commands.ts';

const { startHost } = await startOwnStack({});
const { run } = await startHost();
const api = apiOf(run);
const programs = {
  audit: commandOf('audit.ts', run),
  doctor: commandOf('doctor.ts', run),
  feed: commandOf('feed.ts', run),
  rotation: commandOf('rotation.ts', run),
};
const settingsFile = join(programs.audit.directory, 'settings.json');
await storeImages(run, ['knee', 'hip']);

/** On a day on which nothing has happened these are refused, and say why. */
const refused: ReadonlyMap<string, RegExp> = new Map([
  [
    'npm run feed -- set-cursor --sequence <number> --expect none --reason "the document was deleted" --yes',
    /conflict/,
  ],
]);
/** What other tests do: all of them start the package. */
const elsewhere = ['npm run package'];

const rotations = z.object({ clients: z.array(z.object({ keyId: z.optional(z.string()) })) });
const feed = z.object({
  services: z.array(z.object({ service: z.string(), cursor: z.nullable(z.int()) })),
});

/** What an operator would read off the reports before the next command. */
async function known(line: string, replayId: string): Promise<Readonly<Record<string, string>>> {
  const { clients } = (await api.operation('GET', 'rotations')).json(rotations);
  const { services } = (await api.operation('GET', 'change-feed')).json(feed);
  const values = { number: String(services[0]?.cursor ?? 0), 'key id': clients[0]?.keyId ?? '' };
  if (!line.includes(' cancel ')) return { ...values, 'replay id': replayId };
  const body = { service: services[0]?.service, from: 1, reason: 'to be cancelled' };
  const started = await api.operation('POST', 'change-feed/replays', body);
  return { ...values, 'replay id': started.json(z.object({ id: z.string() })).id };
}

function writeSettings(): void {
  const sample = z
    .object({ Values: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(root, 'local.settings.sample.json'), 'utf8')));
  const own = {
    AzureWebJobsStorage: run.azure.storage,
    IDENTITY_ENDPOINT: `${run.azure.managedIdentity}/msi/token`,
  };
  writeFileSync(settingsFile, JSON.stringify({ Values: { ...sample.Values, ...own } }));
}

/** The timers of this app are off: who waits for a replay needs the runs that work on it. */
async function withRuns<T>(ended: Promise<T>): Promise<T> {
  const over = new AbortController();
  const runs = (async () => {
    while (!over.signal.aborted) await api.whenFree('POST', 'change-feed/runs');
  })();
  return ended.finally(() => {
    over.abort();
    return runs;
  });
}

/** What differs in its reason alone is shown once. */
const lines = new Map(
  commandsOf(read('docs/operate.md'))
    .filter(({ needsAzure }) => !needsAzure)
    .map(({ line }) => [line.replace(/ --reason "[^"]*"/, ''), line]),
);

/** Runs `line` and answers what it printed. */
async function runLine(name: string, line: string, replayId: string): Promise<string> {
  const [, , , , ...args] = wordsOf(line, await known(line, replayId));
  const program = Object.entries(programs).find(([one]) => one === name)?.[1] ?? assert.fail(line);
  const call = program.call(args.map((word) => (word === 'local.settings.json' ? settingsFile : word)));
  const { code, out, err } = await (line.includes('--wait') ? withRuns(call) : call);
  const why = refused.get(line);
  assert.equal(code, why ? 1 : 0, `${line}\n${out}${err}`);
  if (why) assert.match(out + err, why);
  return out;
}

/** The lines of one program in the order of the page. */
async function runAll(name: string, some: readonly string[]): Promise<void> {
  let replayId = '';
  for (const line of some) {
    const out = await runLine(name, line, replayId);
    if (line.includes(' replay ')) replayId = out.trim().split(/\s/)[0] ?? '';
  }
}

test('every command that needs no Azure does what it is for', { timeout: 110_000 }, async () => {
  writeSettings();
  const all = [...lines.values()];
  for (const line of [...refused.keys(), ...elsewhere]) assert.ok(all.includes(line), line);
  const byProgram = Map.groupBy(
    all.filter((line) => !elsewhere.includes(line)),
    (line) => wordsOf(line)[2] ?? '',
  );
  // A rotation waits long for its proof: the programs do not need one another.
  await Promise.all([...byProgram].map(([name, some]) => runAll(name, some)));
});
