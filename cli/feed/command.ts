// Runs one command of the change feed: asks where that is due, waits, shows the answer, and judges it by an exit code.
import { isFine } from '../../src/changeFeed/outcome.ts';
import { exitCodes, tell, waitFor, type Around } from '../app/around.ts';
import { figure, figureOf } from '../app/figures.ts';
import { plain } from '../terminal.ts';
import { followReplay, replayCode } from './follow.ts';
import { moveCursor } from './moveCursor.ts';
import type { Cancel, FeedOptions, ReplayStart } from './options.ts';
import { redrive } from './redrive.ts';
import { cancelCall, replayCall, runCall, startReplayCall, statusCall, type FeedReport } from './service.ts';
import { showReplay, showServices } from './show.ts';
import { chosen, findService } from './which.ts';

/** Answers the exit code, as `--help` lists them. Throws `UsageError` for a service that is not configured. */
export async function feedCommand(options: FeedOptions, around: Around): Promise<number> {
  const { json } = options;
  switch (options.command) {
    case 'status':
      return status(options.service, around, json);
    case 'status of a replay':
      return options.wait ? followReplay(options.id, around, json) : statusOfReplay(options.id, around, json);
    case 'run':
      return run(around, json);
    case 'replay':
      return replay(options, around, json);
    case 'cancel':
      return cancel(options, around, json);
    case 'redrive':
      return redrive(options, around, json);
    case 'set-cursor':
      return moveCursor(options, around, json);
  }
}

async function status(service: string | undefined, around: Around, json: boolean): Promise<number> {
  const answer = await waitFor(statusCall, around, { json, isRun: false });
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const services = chosen(answer.value.services, service);
  const { streams, clock, terminal } = around;
  streams.out(json ? `${answer.text}\n` : showServices(services, clock.now(), terminal));
  return services.every(({ outcome }) => isFine(outcome)) ? exitCodes.fine : exitCodes.failed;
}

async function run(around: Around, json: boolean): Promise<number> {
  const answer = await waitFor(runCall, around, { json, isRun: true });
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const { services } = answer.value;
  const { streams, clock, terminal } = around;
  streams.out(json ? `${answer.text}\n` : showServices(services, clock.now(), terminal, { ran: true }));
  if (!services.every(({ outcome }) => isFine(outcome))) return exitCodes.failed;
  return services.every(isAtEnd) ? exitCodes.fine : exitCodes.busy;
}

/** What such a run has left only time can bring. */
function isAtEnd({ outcome }: FeedReport): boolean {
  return outcome === 'caught_up' || outcome === 'holding_gap';
}

async function statusOfReplay(id: string, around: Around, json: boolean): Promise<number> {
  const answer = await waitFor(replayCall(id), around, { json, isRun: false });
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const { streams, clock, terminal } = around;
  streams.out(json ? `${answer.text}\n` : showReplay(answer.value, clock.now(), terminal));
  return replayCode(answer.value);
}

async function replay(
  { service, range, reason, wait }: ReplayStart,
  around: Around,
  json: boolean,
): Promise<number> {
  const found = await findService(service, around);
  if (found.kind === 'trouble') return tell(found, json, around);
  const call = startReplayCall({ service: found.service, ...range, reason });
  const answer = await waitFor(call, around, { json, isRun: false });
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const { streams, terminal } = around;
  const id = plain(answer.value.id);
  if (!json) streams.out(`${id}\n`);
  if (wait || (terminal.live && !json)) return followReplay(id, around, json);
  if (json) streams.out(`${answer.text}\n`);
  else streams.err(`The replay goes on in the app. See how far it is: npm run feed -- status ${id}\n`);
  return exitCodes.fine;
}

async function cancel({ id, reason }: Cancel, around: Around, json: boolean): Promise<number> {
  const answer = await waitFor(cancelCall(id, reason), around, { json, isRun: false });
  if (answer.kind === 'trouble') return tell(answer, json, around);
  const { passed, total, delivered } = answer.value;
  around.streams.out(
    json
      ? `${answer.text}\n`
      : `Cancelled after ${figure(passed)} of ${figureOf(total, 'sequence')}: ${figureOf(delivered, 'event')} delivered.\n`,
  );
  return exitCodes.fine;
}
