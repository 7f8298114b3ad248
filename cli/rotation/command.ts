// Runs one command of the rotation: asks where that is due, waits, shows the answer, and judges it by an exit code.
import type { Clock } from '../../src/platform/clock.ts';
import { isFailure, type RotationReport } from '../../src/rotation/report.ts';
import type { Streams } from '../commandLine.ts';
import { clearLine, painted, progress, type Terminal } from '../terminal.ts';
import type { RotationOptions } from './options.ts';
import type { Answer, Trouble } from './service.ts';
import { plain, showRun, showStatus } from './show.ts';

/** Everything the command touches. */
export interface Around {
  readonly streams: Streams;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** For what people are asked and told; never with a key. */
  readonly url: string;
  readonly call: () => Promise<Answer>;
  /** False when somebody says no, or interrupts. */
  readonly confirm: (question: string) => Promise<boolean>;
}

const exitCodes = { fine: 0, failed: 1, usage: 2, unreachable: 3, busy: 4, interrupted: 130 } as const;
const longestRunSeconds = 180;

/** Answers the exit code, as `--help` lists them. */
export async function rotationCommand(options: RotationOptions, around: Around): Promise<number> {
  const { streams, terminal } = around;
  const { command, json } = options;
  if (!(await isWanted(options, around))) {
    streams.err('Nothing was changed.\n');
    return exitCodes.interrupted;
  }
  const answer = await watched(options, around);
  if (answer.kind === 'trouble') return tell(answer.trouble, answer.text, json, around);
  const { clients, text } = answer;
  if (json) streams.out(`${text}\n`);
  else if (command === 'status') streams.out(showStatus(clients, around.clock.now(), terminal));
  else streams.out(showRun(clients, terminal));
  return exitCodes[judge(command, clients)];
}

async function isWanted({ command, request, yes }: RotationOptions, around: Around): Promise<boolean> {
  const { target, force, revoke } = request;
  if (command !== 'run' || yes || (force !== true && revoke === undefined)) return true;
  const who = target === undefined ? 'every service client' : plain(target);
  const what =
    revoke === undefined
      ? `make a new secret for ${who}, although none is due`
      : `remove the secret ${revoke} of ${who} at once, after a new one has proven itself`;
  return around.confirm(`At ${around.url}: ${what}? [y/N] `);
}

/** Says how long it has been waiting, in a line that is gone with the answer. */
async function watched(
  { command, json }: RotationOptions,
  { streams, terminal, clock, call }: Around,
): Promise<Answer> {
  if (!terminal.live || json) return call();
  const begun = clock.monotonic();
  const over = new AbortController();
  const tick = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const seconds = Math.round((clock.monotonic() - begun) / 1000);
      const longest = command === 'status' ? '' : ` of at most ${longestRunSeconds}`;
      streams.err(progress(`waiting for the app, ${seconds} s${longest}`, terminal));
      await clock.sleep(1000, over.signal).catch(() => undefined);
    }
    streams.err(clearLine);
  };
  const ticking = tick();
  try {
    return await call();
  } finally {
    over.abort();
    await ticking;
  }
}

function tell(
  { kind, code, detail, requestId, advice }: Trouble,
  text: string | undefined,
  json: boolean,
  { streams, terminal }: Around,
): number {
  if (json) streams.out(`${text ?? JSON.stringify({ code, detail })}\n`);
  const lines = [
    `${painted('red', plain(code), terminal)}: ${plain(detail)}`,
    ...(requestId === undefined ? [] : [`requestId: ${plain(requestId)}`]),
    ...(advice === undefined ? [] : [advice]),
  ];
  streams.err(`${lines.join('\n')}\n`);
  return exitCodes[kind];
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
