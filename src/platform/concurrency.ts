// Does a list of work with a bounded number of hands.

/**
 * Calls `work` for every item in order, at most `hands` at a time, and answers the results in that order. After the first
 * rejection nothing new is begun; it is thrown once all that was under way has ended.
 */
export async function eachAtOnce<T, R>(
  items: readonly T[],
  hands: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const rest = items.entries();
  const hand = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(hands, items.length) }, hand));
  if (failures.length > 0) throw failures[0];
  return results;
}
