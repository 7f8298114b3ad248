// `npm run audit`: who did what, from the container of the audit.
import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/platform/clock.ts';
import { auditContainer } from '../src/platform/platform.ts';
import { createPlatform } from '../src/platform/processPlatform.ts';
import type { Settings } from '../src/platform/settings/types.ts';
import { asProcess } from './app/entry.ts';
import { auditCommand } from './audit/command.ts';
import { help, readAuditOptions } from './audit/options.ts';
import { processStreams, UsageError } from './commandLine.ts';
import { openSource } from './here/source.ts';
import { terminalOf } from './terminal.ts';

await asProcess(async () => {
  const options = readAuditOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    processStreams.out(help);
    return 0;
  }
  const { state, credential } = stateIn(openSource(options.source, process.env));
  const container = createPlatform(systemClock, randomUUID)
    .storage(state, credential)
    .container(auditContainer);
  const terminal = terminalOf(process);
  return auditCommand(options, { streams: processStreams, terminal, container, now: systemClock.now() });
});

/** All capabilities keep their records in one account. */
function stateIn({ communication, rotation, changeFeed }: Settings) {
  for (const section of [communication, rotation, changeFeed])
    if (section.state === 'on') return section.value;
  throw new UsageError('The settings configure no capability: npm run doctor names what is wrong with them.');
}
