// `npm run audit`: who did what, from the container of the audit.
import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/platform/clock.ts';
import { auditContainer } from '../src/platform/platform.ts';
import { createPlatform } from '../src/platform/processPlatform.ts';
import { asProcess } from './app/entry.ts';
import { accountOf } from './audit/account.ts';
import { auditCommand } from './audit/command.ts';
import { help, readAuditOptions } from './audit/options.ts';
import { processStreams } from './commandLine.ts';
import { terminalOf } from './terminal.ts';

await asProcess(async () => {
  const options = readAuditOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    processStreams.out(help);
    return 0;
  }
  const { state, credential } = accountOf(options.source, process.env);
  const container = createPlatform(systemClock, randomUUID)
    .storage(state, credential)
    .container(auditContainer);
  const terminal = terminalOf(process);
  return auditCommand(options, { streams: processStreams, terminal, container, now: systemClock.now() });
});
