// `npm run register-service-client`: reads the options, signs the operator in, and registers.
import type { TokenCredential } from '@azure/core-auth';
import { randomUUID } from 'node:crypto';
import { createAudit, type Audit } from '../src/platform/audit.ts';
import { systemClock } from '../src/platform/clock.ts';
import { createLog } from '../src/platform/log.ts';
import { auditContainer } from '../src/platform/platform.ts';
import { Secret } from '../src/platform/secret.ts';
import type { StorageSettings } from '../src/platform/settings/types.ts';
import { createStorage } from '../src/platform/storage.ts';
import { exitCodes, processStreams, runCommand, UsageError } from './commandLine.ts';
import { blobAccount } from './here/blobAccount.ts';
import { operatorCredential } from './register/operator.ts';
import { help, readRegisterOptions, type RegisterOptions } from './register/options.ts';
import { register } from './register/register.ts';
import { createReporter } from './register/report.ts';
import { ask, terminalOf } from './terminal.ts';

const { out, err } = processStreams;

process.exitCode = await runCommand(processStreams, async () => {
  const options = readRegisterOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    out(help);
    return exitCodes.done;
  }
  const terminal = terminalOf(process);
  if (!options.yes && !options.dryRun && !terminal.asks)
    throw new UsageError('--yes: needed where nobody can be asked; --dry-run shows what would be done.');
  const { credential, storage } = await signIn(options);
  const interrupt = new AbortController();
  // The second Ctrl-C ends the process at once, as ever.
  process.once('SIGINT', () => {
    interrupt.abort();
  });
  return register(options, {
    ...{ clock: systemClock, uuid: randomUUID, credential, interrupted: interrupt.signal },
    reporter: createReporter(processStreams, options.json, terminal),
    log: createLog({ info: () => undefined, warn: tellLine, error: tellLine }),
    audit: storage && auditIn(storage, credential),
    confirm: () => ask('Go on? [y/N] ', interrupt),
  });
});

function tellLine(line: string): void {
  err(`${line}\n`);
}

interface SignedIn {
  readonly credential: TokenCredential;
  /** Where the audit is kept. */
  readonly storage: StorageSettings | undefined;
}

async function signIn(options: RegisterOptions): Promise<SignedIn> {
  const { auditStorage } = options;
  if (!options.local)
    return {
      credential: operatorCredential(options, err),
      storage: auditStorage === undefined ? undefined : blobAccount(auditStorage),
    };
  // Nothing of the local stand-ins is loaded by a registration in Azure.
  const { joinLocalRun } = await import('./register/local.ts');
  const { administrator, storage } = joinLocalRun(process.env);
  return {
    credential: options.deviceCode ? operatorCredential(options, err) : administrator,
    storage: { kind: 'connectionString', connectionString: new Secret(storage) },
  };
}

function auditIn(storage: StorageSettings, credential: TokenCredential): Audit {
  const container = createStorage(storage, () => credential).container(auditContainer);
  return createAudit(container, systemClock, randomUUID);
}
