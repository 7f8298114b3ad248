// `npm run doctor`: what is wrong with the app, asked from the app itself or looked at from this machine.
import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/platform/clock.ts';
import { runAppCommand } from './app/entry.ts';
import { processStreams } from './commandLine.ts';
import { doctorThere, tellFindings } from './doctor/command.ts';
import { help, readDoctorOptions } from './doctor/options.ts';
import { openSource, type Source } from './here/source.ts';
import { clearLine, progress, terminalOf } from './terminal.ts';

await runAppCommand({
  help,
  read: readDoctorOptions,
  unconfirmed: () => undefined,
  here: ({ source, json }) => source && look(source, json),
  run: doctorThere,
});

async function look(source: Source, json: boolean): Promise<number> {
  const settings = openSource(source, process.env);
  // All the Azure clients come with these: who asks the app does without.
  const [{ lookHere }, { createPlatform }] = await Promise.all([
    import('./doctor/here.ts'),
    import('../src/platform/processPlatform.ts'),
  ]);
  const terminal = terminalOf(process);
  const { err } = processStreams;
  if (terminal.live) err(progress('looking', terminal));
  const findings = await lookHere(settings, createPlatform(systemClock, randomUUID));
  if (terminal.live) err(clearLine);
  return tellFindings(findings, { streams: processStreams, terminal, json });
}
