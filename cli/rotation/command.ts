// Runs one command of the rotation: asks where that is due, waits, shows the answer, and judges it by an exit code.
import { isFailure, type RotationReport } from '../../src/rotation/report.ts';
import { exitCodes, tell, waitFor, type Around } from '../app/around.ts';
import { plain } from '../terminal.ts';
import { isUnusual, type RotationOptions } from './options.ts';
import { rotationCall } from './service.ts';
import { showRun, showStatus } from './show.ts';

/** Answers the exit code, as `--help` lists them. */
export async function rotationCommand(options: RotationOptions, around: Around): Promise<number> {
  const { streams, terminal } = around;
  const { command, json } = options;
  if (!(await isWanted(options, around))) {
    streams.err('Nothing was changed.\n');
    return exitCodes.interrupted;
  }
  const answer = await waitFor(rotationCall(options), around, { json, isRun: command !== 'status' });
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const { clients } = answer.value;
  if (json) streams.out(`${answer.text}\n`);
  else if (command === 'status') streams.out(showStatus(clients, around.clock.now(), terminal));
  else streams.out(showRun(clients, terminal));
  return exitCodes[judge(command, clients)];
}

async function isWanted(options: RotationOptions, around: Around): Promise<boolean> {
  if (options.yes || !isUnusual(options)) return true;
  const { target, revoke } = options.request;
  const who = target === undefined ? 'every service client' : plain(target);
  const what =
    revoke === undefined
      ? `make a new secret for ${who}, although none is due`
      : `remove the secret ${revoke} of ${who} at once, after a new one has proven itself`;
  return around.confirm(`At ${around.url}: ${what}? [y/N] `);
}

/** What was not reached is for another run; what an old report says of that is no news. */
function judge(
  command: RotationOptions['command'],
  clients: readonly RotationReport[],
): keyof typeof exitCodes {
  if (clients.some(isFailure)) return 'failed';
  const isLeft = ({ outcome }: RotationReport): boolean => outcome === 'busy' || outcome === 'not_started';
  return command !== 'status' && clients.some(isLeft) ? 'busy' : 'fine';
}
