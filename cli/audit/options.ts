// The options of `audit`: which records, and where the audit is.
import { auditActions, type AuditAction } from '../../src/platform/audit.ts';
import { isZonedTime } from '../../src/platform/clock.ts';
import { AppError } from '../../src/platform/errors.ts';
import { subjectHash } from '../../src/platform/hash.ts';
import { backendSubject } from '../../src/communication/communication.ts';
import { storageParts } from '../../src/platform/settings/table.ts';
import { where, type Environment } from '../app/options.ts';
import { readOptions, UsageError } from '../commandLine.ts';
import { localDirectory, readRunFile } from '../../local/runFile.ts';
import { sourceHelp, sourceOf, sourceProblems, sourceSpecification, type Source } from '../here/source.ts';

export interface Wanted {
  /** Digest of a person, or the name of a thing as the records have it. */
  readonly subject: string | undefined;
  readonly action: AuditAction | undefined;
  /** Milliseconds since 1970; the first counts, the second does not. */
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** Settings of the app, or the account alone: to read it needs no setting of any job. */
export type AuditSource = Source | { readonly kind: 'account'; readonly blobUri: string };

export interface AuditOptions {
  readonly source: AuditSource;
  readonly wanted: Wanted;
  /** Rows of the table at most: the newest. */
  readonly last: number;
  readonly json: boolean;
}

const mostRows = 10_000;

export const help = `Reads who did what from the container \`audit\`, oldest first.

  npm run audit -- [--user <id> | --subject <text>] [--action <action>] [--since <time>] [--until <time>]

  --user <id>                what was done to this user, or by it: an id of your application, or entra.<tid>.<oid>. It
                             is hashed on this machine as the app does it; the records hold digests alone
  --subject <text>           the same by its digest, or a thing as the records name it, or a part of that between
                             slashes: an application, the name of a secret, the host of a DICOM service
  --action <action>          one of ${auditActions.slice(0, 5).join(', ')},
                             ${auditActions.slice(5).join(', ')}
  --since <time>             from then on: 2026-03-01, or with a time and its zone, 2026-03-01T12:00:00Z
  --until <time>             before then
  --last <n>                 rows of the table, the newest; default 1000, at most ${mostRows.toLocaleString('en-US')}
  --json                     all of them, one JSON document a line

Where it is, and as whom it is read (on a workstation: you, by \`az login\`, with Storage Blob Data Reader):
  --audit-storage <url>      blob endpoint of the app's state account, or AUDIT_STORAGE_URL
${sourceHelp}
                             default: AUDIT_STORAGE_URL, or --local where \`npm start\` runs
  --help                     this text

Exit code: 0 fine, 1 some record or the audit itself could not be read, 2 wrong usage.

Examples:
  npm run audit -- --user nurse-17 --since 2026-03-01
  npm run audit -- --audit-storage https://<account>.blob.core.windows.net --action rotation.force --json
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const specification = {
  ...sourceSpecification,
  ...{
    user: text,
    subject: text,
    action: text,
    since: text,
    until: text,
    last: text,
    'audit-storage': text,
    json: flag,
    help: flag,
  },
};
type Values = ReturnType<typeof readOptions<typeof specification>>;

/** Answers 'help' where that was asked for. Throws `UsageError`, which names every option that is wrong. */
export function readAuditOptions(args: readonly string[], environment: Environment): AuditOptions | 'help' {
  const values = readOptions(args, specification);
  if (values.help) return 'help';
  const problems: string[] = [...sourceProblems(values), ...rowProblems(values)];
  const found = wantedIn(values, problems);
  const source = accountIn(values, environment, problems) ?? sourceOf(values) ?? localSource(environment);
  if (!source && problems.length === 0)
    problems.push(
      '--audit-storage, --settings, --environment or --local: missing; expected one of them. (No app runs here.)',
    );
  if (problems.length > 0 || !source)
    throw new UsageError(`${problems.join('\n')}\n--help lists the options.`);
  return { source, wanted: found, last: Number(values.last ?? 1000), json: values.json };
}

function accountIn(values: Values, environment: Environment, problems: string[]): AuditSource | undefined {
  const { 'audit-storage': option } = values;
  const other = sourceOf(values) !== undefined;
  if (option !== undefined && other)
    problems.push('--audit-storage: not together with --settings, --environment or --local');
  const url = option ?? (other ? undefined : environment['AUDIT_STORAGE_URL'] || undefined);
  if (url === undefined) return undefined;
  const { parse, expects } = storageParts.blobServiceUri;
  const blobUri = parse(url);
  if (blobUri !== undefined) return { kind: 'account', blobUri };
  problems.push(`${option === undefined ? 'AUDIT_STORAGE_URL' : '--audit-storage'}: expected ${expects}`);
  return undefined;
}

function localSource(environment: Environment): Source | undefined {
  try {
    return readRunFile(localDirectory(environment)) && { kind: 'local' };
  } catch {
    return undefined;
  }
}

function rowProblems({ last, json, user, subject }: Values): readonly string[] {
  const rows = /^\d{1,6}$/.test(last ?? '1') ? Number(last ?? 1) : 0;
  return [
    ...where(rows < 1 || rows > mostRows, `--last: expected a whole number from 1 to ${mostRows}`),
    ...where(last !== undefined && json, '--last: not together with --json, which shows all'),
    ...where(user !== undefined && subject !== undefined, '--user: not together with --subject'),
  ];
}

function wantedIn({ user, subject, action, since, until }: Values, problems: string[]): Wanted {
  const known = auditActions.find((one) => one === action);
  if (action !== undefined && !known) problems.push(`--action: expected one of ${auditActions.join(', ')}`);
  const [first, end] = [timeIn('--since', since, problems), timeIn('--until', until, problems)];
  if (first !== undefined && end !== undefined && end <= first)
    problems.push('--until: expected a time after that of --since, which counts itself');
  return {
    ...{ subject: user === undefined ? subject : digestOf(user, problems), action: known },
    ...{ since: first, until: end },
  };
}

function digestOf(user: string, problems: string[]): string | undefined {
  try {
    return subjectHash(backendSubject(user).key);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.push(`--user: ${error.message.replace(/^userId: /, '')}`);
    return undefined;
  }
}

/** A day alone is its beginning in UTC. */
function timeIn(option: string, time: string | undefined, problems: string[]): number | undefined {
  if (time === undefined) return undefined;
  const whole = /^\d{4}-\d\d-\d\d$/.test(time) ? `${time}T00:00Z` : time;
  if (isZonedTime(whole)) return Date.parse(whole);
  problems.push(`${option}: expected a day such as 2026-03-01, or a time with its zone`);
  return undefined;
}
