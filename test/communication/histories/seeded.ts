// Runs a property from a seed that is printed and can be given again, and tells a failed history in words.
import fc from 'fast-check';
import type { TestContext } from 'node:test';

const firstSeed = 20_260_301;

/**
 * The same histories each time, so that a red run is the fault of a change; `PROPERTY_SEED` asks for others and
 * `PROPERTY_RUNS` for that many times as many. Throws with the shortest history that fails.
 */
export async function seeded<T>(
  t: TestContext,
  runs: number,
  histories: fc.Arbitrary<T>,
  property: (history: T) => Promise<void>,
): Promise<void> {
  const seed = Number(process.env['PROPERTY_SEED'] ?? firstSeed);
  const numRuns = runs * Number(process.env['PROPERTY_RUNS'] ?? 1);
  t.diagnostic(`seed ${String(seed)}, ${String(numRuns)} histories`);
  await fc.assert(fc.asyncProperty(histories, property), { seed, numRuns });
}

/** Puts the lines of the story before what went wrong in it. */
export async function told(lines: readonly string[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new Error(`${['', ...lines].join('\n  ')}\n${problem}`, { cause: error });
  }
}
