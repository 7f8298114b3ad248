// A directory and an ACS resource in memory, shared by any number of processes that can be killed between any two steps.
import { setImmediate as turn } from 'node:timers/promises';
import { compose, type Communication, type Context } from '../../src/communication/communication.ts';
import type { Acs, AcsToken, Created } from '../../src/communication/acsClient.ts';
import type { Row } from '../../src/communication/directory.ts';
import type { AcsPriority } from '../../src/communication/rateLimit.ts';
import type { Entry, IdentityRows, Outbox } from '../../src/communication/store.ts';
import type { Audit, AuditEntry } from '../../src/platform/audit.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { sha256Hex } from '../../src/platform/hash.ts';
import { cleanUpGraceMs } from '../../src/platform/limits.ts';
import { createLog } from '../../src/platform/log.ts';
import type { CommunicationSettings } from '../../src/platform/settings/types.ts';
import { stepper, type Step, type StepOptions } from './steps.ts';

export const minuteMs = 60_000;

export interface ProcessOptions extends StepOptions {
  readonly settings?: Partial<CommunicationSettings>;
}

export interface TestProcess extends Communication {
  /** Resolves when the process was killed: nothing it had begun goes on. */
  readonly died: Promise<'died'>;
}

export const endpoint = 'https://telehealth-demo.communication.azure.com';
const credential = { managedIdentity: true };

export function settingsWith(changes: Partial<CommunicationSettings> = {}): CommunicationSettings {
  return {
    resource: { kind: 'endpoint', endpoint },
    ...{ scopes: ['chat', 'voip'], minutesDefault: 60, minutesMax: 240, requestsPerMinute: 1000 },
    ...{ backendRole: 'none', selfErase: true, identityRepair: false, credential },
    teamsClientId: '7e1e4ea1-7000-4000-8000-000000000009',
    state: { kind: 'identity', blobUri: '', queueUri: '', tableUri: '' },
    ...changes,
  };
}

interface Identity {
  readonly resource: string;
  readonly tokens: Set<string>;
}

export class World {
  readonly rows = new Map<string, { row: Row; etag: string }>();
  readonly entries = new Map<string, Entry>();
  /** What exists at ACS, all resources together. */
  readonly identities = new Map<string, Identity>();
  /** Identities that a row or the outbox ever named, those that were deleted on request, those the outbox named as nobody's. */
  readonly durable = new Set<string>();
  readonly deleted = new Set<string>();
  readonly strays = new Set<string>();
  readonly audited: (AuditEntry & { outcome: string })[] = [];
  readonly lines: string[] = [];
  created = 0;
  /** Creations that were counted before they were begun. */
  counted = 0;
  /** Which part of the ACS budget revocations and deletions were sent with. */
  readonly priorities: AcsPriority[] = [];
  #time = Date.parse('2026-03-01T12:00:00.000Z');
  #count = 0;

  readonly clock: Clock = {
    now: () => this.#time,
    monotonic: () => this.#time,
    sleep: async (ms) => {
      this.#time += ms;
      await turn();
    },
  };

  advance(ms: number): void {
    this.#time += ms;
  }

  /** The clock of the store: whole seconds. */
  get storeTime(): number {
    return Math.floor(this.#time / 1000) * 1000;
  }

  unique(): string {
    this.#count += 1;
    return `00000000-0000-4000-8000-${String(this.#count).padStart(12, '0')}`;
  }

  context(signal = new AbortController().signal): Context & { remainingMs(): number } {
    const sink = (line: string): unknown => this.lines.push(line);
    const log = createLog({ info: sink, warn: sink, error: sink });
    const end = this.#time + 200_000;
    return { log, signal, requestId: 'request-1', remainingMs: () => Math.max(0, end - this.#time) };
  }

  row(key: string): Row | undefined {
    return this.rows.get(sha256Hex(key))?.row;
  }

  liveTokens(identity: string): number | undefined {
    return this.identities.get(identity)?.tokens.size;
  }

  process(options: ProcessOptions = {}): TestProcess {
    const settings = settingsWith(options.settings);
    const died = Promise.withResolvers<'died'>();
    const step = stepper(options, () => {
      died.resolve('died');
    });
    const uuid = (): string => this.unique();
    const audit: Audit = {
      record: async (entry, action, ended) => {
        this.audited.push({ ...entry, outcome: 'asked' });
        const result = await action();
        this.audited.push({ ...entry, outcome: ended?.(result) ?? 'done' });
        return result;
      },
    };
    const communication = compose(settings, {
      ...{ clock: this.clock, random: () => 0.5, uuid, audit },
      rows: this.#rows(step),
      outbox: this.#outbox(step),
      acs: this.#acs(step, settings.resource.endpoint),
    });
    return { ...communication, died: died.promise };
  }

  /** Everything is due: the clean-up runs until it has nothing left that is due. */
  async cleanUp(process = this.process()): Promise<void> {
    for (let run = 0; run < 4; run += 1) {
      this.advance(cleanUpGraceMs + 5 * minuteMs);
      await process.cleanUp(this.context());
    }
  }

  #rows(step: Step): IdentityRows {
    const read: IdentityRows['read'] = (rowKey, signal) =>
      step('rows.read', signal, () => {
        const found = this.rows.get(rowKey);
        return { row: found?.row, etag: found?.etag, now: this.storeTime };
      });
    const swap = (rowKey: string, etag: string | undefined, row: Row | undefined): boolean => {
      if (this.rows.get(rowKey)?.etag !== etag) return false;
      if (row?.identity !== undefined) this.durable.add(row.identity);
      if (row) this.rows.set(rowKey, { row, etag: this.unique() });
      else this.rows.delete(rowKey);
      return true;
    };
    return {
      read,
      write: (rowKey, row, { etag }, signal) =>
        step(
          'rows.write',
          signal,
          () => swap(rowKey, etag, row),
          () => false,
        ),
      remove: (rowKey, { etag }) => step('rows.remove', undefined, () => swap(rowKey, etag, undefined)),
    };
  }

  #outbox(step: Step): Outbox {
    const { entries, durable, strays } = this;
    const storeTime = (): number => this.storeTime;
    return {
      add: (entry, signal) =>
        step('outbox.add', signal, () => {
          entries.set(entry.id, entry);
          if (!entry.stray) return;
          durable.add(entry.stray.identity);
          strays.add(entry.stray.identity);
        }),
      async *due(signal) {
        await step('outbox.due', signal, () => undefined);
        const now = storeTime();
        for (const entry of [...entries.values()]) if (entry.dueAt <= now) yield { entry, now };
      },
      postpone: (entry, dueAt, attempts) =>
        step('outbox.postpone', undefined, () => {
          if (entries.has(entry.id)) entries.set(entry.id, { ...entry, dueAt, attempts });
        }),
      drop: (entry) => step('outbox.drop', undefined, () => void entries.delete(entry.id)),
    };
  }

  #acs(step: Step, resource: string): Acs {
    const of = (identity: string): Identity | undefined => {
      const found = this.identities.get(identity);
      return found?.resource === resource ? found : undefined;
    };
    const token = (): AcsToken => ({ token: this.unique(), expiresOn: new Date(this.#time).toISOString() });
    return {
      takeCreate: () => void (this.counted += 1),
      create: () =>
        step('acs.create', undefined, (): Created => {
          const identity = `8:acs:${this.unique()}_${this.unique()}`;
          this.identities.set(identity, { resource, tokens: new Set() });
          this.created += 1;
          return { kind: 'created', identity };
        }).catch((error: unknown): Created => ({
          kind: isAppError(error, 'upstream_throttled') ? 'refused' : 'unknown',
          error,
        })),
      issue: (identity, _wish, signal) =>
        step('acs.issue', signal, () => {
          const issued = token();
          return of(identity)?.tokens.add(issued.token) ? issued : 'gone';
        }),
      exchange: (_teamsToken, _oid, _clientId, signal) => step('acs.exchange', signal, token),
      revoke: (identity, priority, signal) =>
        step('acs.revoke', signal, () => {
          this.priorities.push(priority);
          of(identity)?.tokens.clear();
          return of(identity) ? 'done' : 'gone';
        }),
      delete: (identity, priority, signal) =>
        step('acs.delete', signal, () => {
          this.priorities.push(priority);
          if (!of(identity)) return 'gone';
          this.identities.delete(identity);
          this.deleted.add(identity);
          return 'done';
        }),
    };
  }
}
