// What a command of the app touches, how it waits, how it tells of trouble, and the exit codes that `--help` lists.
import type { Clock } from '../../src/platform/clock.ts';
import type { Streams } from '../commandLine.ts';
import { clearLine, painted, plain, progress, type Terminal } from '../terminal.ts';
import type { Answer, Call, Troubled } from './call.ts';

export interface Around {
  readonly streams: Streams;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** For what people are asked and told; never with a key. */
  readonly url: string;
  readonly call: <T>(call: Call<T>) => Promise<Answer<T>>;
  /** False when somebody says no, or interrupts. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Aborts with Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export const exitCodes = { fine: 0, failed: 1, usage: 2, unreachable: 3, busy: 4, interrupted: 130 } as const;

/** What work over HTTP may take, seconds. */
export const longestRunSeconds = 180;

/** Shows while `work` is under way what `told` says of it each second, in a line that is gone with the answer. */
export async function watched<T>(
  { streams, terminal, clock }: Around,
  told: (seconds: number) => string,
  work: () => Promise<T>,
): Promise<T> {
  if (!terminal.live) return work();
  const begun = clock.monotonic();
  const over = new AbortController();
  const tick = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const seconds = Math.round((clock.monotonic() - begun) / 1000);
      streams.err(progress(told(seconds), terminal));
      await clock.sleep(1000, over.signal).catch(() => undefined);
    }
    streams.err(clearLine);
  };
  const ticking = tick();
  try {
    return await work();
  } finally {
    over.abort();
    await ticking;
  }
}

/** Calls the app; where `json` is not all that is wanted, how long that has lasted is shown. */
export function waitFor<T>(
  call: Call<T>,
  around: Around,
  { json, isRun }: { readonly json: boolean; readonly isRun: boolean },
): Promise<Answer<T>> {
  if (json) return around.call(call);
  const longest = isRun ? ` of at most ${longestRunSeconds}` : '';
  return watched(
    around,
    (seconds) => `waiting for the app, ${seconds} s${longest}`,
    () => around.call(call),
  );
}

/** Answers the exit code. With `json` the problem goes to stdout as it came. */
export function tell(
  { trouble: { kind, code, detail, requestId, advice }, text }: Troubled,
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
