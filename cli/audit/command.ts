// Shows the records that are wanted: as a table of the newest, or as a line of JSON each.
import type { ContainerClient } from '@azure/storage-blob';
import { cureOf, needs, type FailureKind } from '../../src/platform/cures.ts';
import { signInErrorIn } from '../../src/platform/credential.ts';
import { judgeStatus } from '../../src/platform/dependencies.ts';
import { storageFailure } from '../../src/platform/storage.ts';
import { figureOf } from '../app/figures.ts';
import { showTable, type Column } from '../app/table.ts';
import type { Streams } from '../commandLine.ts';
import { networkCodeIn } from '../here/networkCode.ts';
import { clearLine, painted, plain, progress, type Color, type Terminal } from '../terminal.ts';
import type { AuditOptions, AuditSource } from './options.ts';
import { readRecords, type AuditRecord, type Unreadable } from './records.ts';

const colors: Readonly<Record<AuditRecord['outcome'], Color>> = {
  ...{ asked: 'gray', done: 'green', pending: 'yellow', failed: 'red' },
};

const columns: readonly Column<AuditRecord>[] = [
  { title: 'TIME', of: ({ time }) => time, short: ({ time }) => time.slice(0, 19) },
  { title: 'ACTION', of: ({ action }) => action },
  { title: 'OUTCOME', of: ({ outcome }) => outcome, color: ({ outcome }) => colors[outcome] },
  { title: 'SUBJECT', of: ({ subject }) => subject },
  { title: 'ACTOR', of: ({ actor }) => actor },
  { title: 'REQUEST', of: ({ requestId }) => requestId, short: ({ requestId }) => requestId.slice(0, 8) },
  { title: 'REASON', of: ({ reason = '' }) => reason },
];

export interface Place {
  readonly streams: Streams;
  readonly terminal: Terminal;
  readonly container: ContainerClient;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Answers the exit code: 1 where something could not be read. */
export async function auditCommand(
  { source, wanted, last, json }: AuditOptions,
  place: Place,
): Promise<number> {
  const { streams, terminal, container, now } = place;
  const watched = terminal.live && !json ? streams.err : (): void => undefined;
  const rows: AuditRecord[] = [];
  let count = 0;
  let unreadable = 0;
  try {
    watched(progress('reading', terminal));
    for await (const record of readRecords(container, wanted, now)) {
      if (json) streams.out(`${JSON.stringify(record)}\n`);
      if ('unreadable' in record) {
        unreadable += 1;
        watched(clearLine);
        tellUnreadable(record, place);
        continue;
      }
      count += 1;
      watched(progress(`reading, up to ${record.time}`, terminal));
      rows.push(record);
      if (json || rows.length > last) rows.shift();
    }
  } catch (error) {
    watched(clearLine);
    streams.err(`${troubleIn(error, source)}\n`);
    return 1;
  }
  watched(clearLine);
  if (!json) streams.out(tableOf(rows, count, terminal));
  return unreadable === 0 ? 0 : 1;
}

function tellUnreadable({ name, unreadable }: Unreadable, { streams, terminal }: Place): void {
  streams.err(`${painted('red', 'unreadable', terminal)}: ${plain(name)}: ${unreadable}\n`);
}

function tableOf(rows: readonly AuditRecord[], count: number, terminal: Terminal): string {
  if (count === 0) return 'No such record.\n';
  const older = count - rows.length;
  const left = older === 0 ? '' : `\n${figureOf(older, 'older record')} not shown: --last, --since or --json`;
  return `${showTable(columns, rows, terminal)}\n\n${figureOf(count, 'record')}${left}\n`;
}

function troubleIn(error: unknown, source: AuditSource): string {
  const signIn = signInErrorIn(error);
  if (signIn) return signIn.message;
  const { status } = storageFailure(error);
  const kind = (status === undefined ? undefined : judgeStatus('auditBlobs', status)) ?? 'silent';
  const code = networkCodeIn(error);
  const told = status ?? (code === undefined ? 'no answer' : `no answer, ${code}`);
  return `The audit could not be read (${told}).\n${cureFor(kind, source)}`;
}

/** A person reads it, whose rights are not those of the app. */
function cureFor(kind: FailureKind, { kind: from }: AuditSource): string {
  if (kind === 'refused')
    return 'az role assignment create --assignee <your object id> --role "Storage Blob Data Reader" --scope <the account or its container "audit">, and where its firewall is closed, ask from a network that it lets in.';
  const cure = cureOf('auditBlobs', kind);
  const { settings } = needs.auditBlobs;
  return from === 'account' ? cure.replace(settings, '--audit-storage or AUDIT_STORAGE_URL') : cure;
}
