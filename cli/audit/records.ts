// Reads the records of the audit in the order of their time, some at a time.
import type { ContainerClient } from '@azure/storage-blob';
import { text } from 'node:stream/consumers';
import * as z from 'zod/mini';
import { auditOutcomes } from '../../src/platform/audit.ts';
import { isoTime } from '../../src/platform/clock.ts';
import { eachAtOnce } from '../../src/platform/concurrency.ts';
import { storageFailure } from '../../src/platform/storage.ts';
import type { Wanted } from './options.ts';

const recordShape = z.object({
  schema: z.literal(1),
  time: z.string(),
  outcome: z.enum(auditOutcomes),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  reason: z.optional(z.string()),
  requestId: z.string(),
});
export type AuditRecord = z.output<typeof recordShape>;

/** `name` is that of its blob. */
export interface Unreadable {
  readonly name: string;
  readonly unreadable: string;
}

/** Records that are looked up at the same time, and those held, about, before the first of them is passed on. */
const atOnce = 8;
const held = 64;
const dayMs = 86_400_000;

/**
 * What is wanted, oldest first, and whatever could not be read in between: that it is wanted cannot be ruled out. Throws
 * what the storage throws for the container itself; where that does not exist there are none.
 */
export async function* readRecords(
  container: ContainerClient,
  wanted: Wanted,
  now: number,
): AsyncGenerator<AuditRecord | Unreadable> {
  let names: string[] = [];
  for await (const name of namesIn(container, wanted, now)) {
    // Those of one instant stay together: they are still to be ordered.
    if (names.length >= held && timeIn(name) !== timeIn(names.at(-1))) {
      yield* recordsOf(container, names, wanted);
      names = [];
    }
    names.push(name);
  }
  yield* recordsOf(container, names, wanted);
}

async function* recordsOf(
  container: ContainerClient,
  names: readonly string[],
  { subject }: Wanted,
): AsyncGenerator<AuditRecord | Unreadable> {
  for (const record of await eachAtOnce(names.toSorted(askedFirst), atOnce, (name) =>
    readOne(container, name),
  )) {
    const fits = subject === undefined || 'unreadable' in record || concerns(record, subject);
    if (fits) yield record;
  }
}

/** What was asked for and what became of it can carry the same time, and names say nothing of their order then. */
function askedFirst(left: string, right: string): number {
  const key = (name: string): string => `${timeIn(name)} ${name.endsWith('-asked.json') ? 0 : 1}`;
  return key(left) < key(right) ? -1 : 1;
}

/** A name of another form stands for itself. */
function timeIn(name = ''): string {
  return form.exec(name)?.[1] ?? name;
}

/** Done to it, or by it. What is done to a secret names its application as well: `<application>/<secret>`. */
function concerns({ subject, actor }: AuditRecord, wanted: string): boolean {
  return [subject, ...subject.split('/'), actor].includes(wanted) || actor === `user:${wanted}`;
}

/** The app names them `<yyyy>/<mm>/<dd>/<time>-<UUID>-<action>-<outcome>.json`, which sorts them by time. */
const form =
  /^\d{4}\/\d\d\/\d\d\/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)-[0-9a-f-]{36}-([A-Za-z.]+)-[a-z]+\.json$/;

async function* namesIn(container: ContainerClient, wanted: Wanted, now: number): AsyncGenerator<string> {
  for (const prefix of prefixesOf(wanted, now)) {
    try {
      for await (const { name } of container.listBlobsFlat({ prefix })) if (fits(name, wanted)) yield name;
    } catch (error) {
      if (storageFailure(error).code === 'ContainerNotFound') return;
      throw error;
    }
  }
}

/** A name of another form may be anything: it is looked at. */
function fits(name: string, { action, since = -Infinity, until = Infinity }: Wanted): boolean {
  const [, time, done] = form.exec(name) ?? [];
  if (time === undefined) return true;
  const at = Date.parse(time);
  return at >= since && at < until && (action === undefined || done === action);
}

/**
 * Days, where it is known with which to begin: a listing of all would grow with the years. One more than this machine knows
 * of, whose clock may be behind that of the app.
 */
function prefixesOf({ since, until }: Wanted, now: number): readonly string[] {
  if (since === undefined) return [''];
  const first = Math.floor(since / dayMs);
  const last = Math.floor((until ?? now + dayMs) / dayMs);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, day) =>
    isoTime((first + day) * dayMs)
      .slice(0, 10)
      .replaceAll('-', '/'),
  );
}

async function readOne(container: ContainerClient, name: string): Promise<AuditRecord | Unreadable> {
  if (!form.test(name)) return { name, unreadable: 'its name is not that of a record' };
  let json: unknown;
  try {
    const { readableStreamBody: body } = await container.getBlobClient(name).download();
    json = JSON.parse(body ? await text(body) : '');
  } catch (error) {
    const { status } = storageFailure(error);
    return { name, unreadable: status === undefined ? 'it is not JSON' : `the storage answers ${status}` };
  }
  const record = recordShape.safeParse(json);
  if (record.success) return record.data;
  const newer = z.object({ schema: z.int().check(z.gt(1)) }).safeParse(json).success;
  return { name, unreadable: newer ? 'a newer release wrote it' : 'it does not have the form of a record' };
}
