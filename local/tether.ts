// Runs Core Tools for a local run and ends them, with every process they started, when asked to or when the run has gone.
//
// A program of its own, because Core Tools know no parent: killed outright or with its terminal closed, the run could not end
// them any more. The first request (the channel to the run closes, or SIGTERM) asks them to stop, the second ends them at once.
import { spawn, spawnSync } from 'node:child_process';

/** Core Tools let running calls end; a run that waits for longer asks a second time, one that has gone cannot. */
const graceMs = 35_000;
const isWindows = process.platform === 'win32';

const [command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, {
  stdio: ['ignore', 'inherit', 'inherit'],
  // A process group of its own: the host's worker is in it, and Ctrl-C in the terminal does not reach it before the run does.
  detached: !isWindows,
  shell: isWindows,
});

let asked = false;
function stop(): void {
  if (asked) {
    signalAll('SIGKILL');
    return;
  }
  asked = true;
  signalAll('SIGTERM');
  setTimeout(signalAll, graceMs, 'SIGKILL');
}

function signalAll(signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  if (isWindows) {
    // There are no signals to ask with.
    spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}

process.on('disconnect', stop);
process.on('SIGTERM', stop);
// The run gets these as well and decides what they mean.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

child.once('error', (error) => {
  console.error(`${command}: ${error.message}`);
  process.exit(1);
});
child.once('exit', (code, signal) => {
  signalAll('SIGKILL');
  process.exitCode = signal === null ? (code ?? 1) : 1;
  process.exit();
});
// The run may have gone before this program could listen.
if (process.send !== undefined && !process.connected) stop();
