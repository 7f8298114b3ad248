// Proves a new secret: fresh tokens in a row, because Entra's replicas learn of it one after the other and answers flap.
import type { Clock } from '../platform/clock.ts';
import { rotationVerifyGapMs, rotationVerifyTokens } from '../platform/limits.ts';

/**
 * Asks until `rotationVerifyTokens` answers in a row were proof; one that was not begins the count anew, whatever it was:
 * a rejection means "not yet". Answers whether that came about within `deadlineMs`.
 */
export async function verify(
  isProof: () => Promise<boolean>,
  clock: Clock,
  { deadlineMs, signal, onAttempt }: { deadlineMs: number; signal: AbortSignal; onAttempt: () => void },
): Promise<boolean> {
  const end = clock.monotonic() + deadlineMs;
  for (let inRow = 0; ;) {
    onAttempt();
    inRow = (await isProof()) ? inRow + 1 : 0;
    if (inRow === rotationVerifyTokens) return true;
    if (clock.monotonic() + rotationVerifyGapMs > end) return false;
    await clock.sleep(rotationVerifyGapMs, signal);
  }
}
