// `npm run doctor`: what is wrong with the app, asked from the app itself or looked at from this machine.
import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/platform/clock.ts';
import { createPlatform } from '../src/platform/processPlatform.ts';
import { runAppCommand } from './app/entry.ts';
import { processStreams } from './commandLine.ts';
import { doctorThere, tellFindings } from './doctor/command.ts';
import { lookHere } from './doctor/here.ts';
import { help, readDoctorOptions } from './doctor/options.ts';
import { openSource, type Source } from './here/source.ts';
import { terminalOf } from './terminal.ts';

await runAppCommand({
  help,
  read: readDoctorOptions,
  unconfirmed: () => undefined,
  here: ({ source, json }) => source && look(source, json),
  run: doctorThere,
});

async function look(source: Source, json: boolean): Promise<number> {
  const settings = openSource(source, process.env);
  const findings = await lookHere(settings, createPlatform(systemClock, randomUUID));
  return tellFindings(findings, { streams: processStreams, terminal: terminalOf(process), json });
}
