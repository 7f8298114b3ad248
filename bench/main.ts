// `npm run bench -- [name …] [--pairs n] [--users n] [--clients n] [--changes n] [--json]`: the benchmarks that there are.
import { runBenchmarks } from './command.ts';
import { feed } from './feed.ts';
import { rotation } from './rotation.ts';
import { tokens } from './tokens.ts';

process.exitCode = await runBenchmarks(process.argv.slice(2), [tokens, rotation, feed], {
  print: (text) => {
    console.log(text);
  },
  complain: (text) => {
    console.error(text);
  },
  // One line that is written over, and only where somebody looks on.
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
  },
});
