// Has a host run its timers, and waits for what it prints.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Watched {
  readonly url: string;
  readonly masterKey: string;
  /** Everything that it has printed so far. */
  readonly output: () => string;
}

/** Looks for half a minute; `output` is what is shown where it does not come about. */
export async function until(met: () => boolean, output: () => string): Promise<void> {
  for (let waited = 0; !met(); waited += 1) {
    assert.ok(waited < 600, output());
    await sleep(50);
  }
}

/** Asks for a run, and waits until one has ended well. */
export async function runTimer({ url, masterKey, output }: Watched, name: string): Promise<void> {
  const headers = { 'x-functions-key': masterKey, 'content-type': 'application/json' };
  const reply = await fetch(`${url}/admin/functions/${name}`, { method: 'POST', headers, body: '{}' });
  assert.equal(reply.status, 202);
  await until(() => output().includes(`Executed 'Functions.${name}' (Succeeded`), output);
}
