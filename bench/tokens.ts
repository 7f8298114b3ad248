// The benchmark `tokens`: what the token service adds to a call of ACS, and what it does when everybody comes at once.
import { burst } from './burst.ts';
import { latency } from './latency.ts';
import type { Benchmark, BenchmarkOptions, Section } from './report.ts';
import { openTestbed, type Testbed } from './testbed.ts';

export const tokens: Benchmark = {
  name: 'tokens',
  measures:
    'one warm POST /api/tokens against one getToken of the SDK alone, and a burst of new users against the limits of ACS',
  async run(options) {
    // One user asks for more tokens here than anybody in earnest would.
    const one = await on({ TOKEN_REQUESTS_PER_MINUTE: '100000' }, latency, options);
    return [one, await on({}, burst, options)];
  },
};

/** Each on a testbed of its own: neither finds the other's requests in the windows of ACS. */
async function on(
  settings: Readonly<Record<string, string>>,
  measure: (testbed: Testbed, options: BenchmarkOptions) => Promise<Section>,
  options: BenchmarkOptions,
): Promise<Section> {
  options.progress('starting storage, stand-ins and the host …');
  const testbed = await openTestbed(settings);
  try {
    return await measure(testbed, options);
  } finally {
    await testbed.close();
  }
}
