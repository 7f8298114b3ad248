// Who did what: one create-once record per action and outcome in the container `audit`.
import type { ContainerClient } from '@azure/storage-blob';
import { isoTime, type Clock } from './clock.ts';
import { AppError } from './errors.ts';
import { saysBlobThere, withCreate } from './storage.ts';

export const auditActions = [
  'identity.erase',
  'identity.disable',
  'identity.enable',
  'tokens.revoke',
  'rotation.force',
  'rotation.revoke',
  'client.register',
  'feed.replay',
  'feed.cancelReplay',
  'feed.redrive',
  'feed.setCursor',
] as const;
export type AuditAction = (typeof auditActions)[number];

export const auditOutcomes = ['asked', 'done', 'pending', 'failed'] as const;

export interface AuditEntry {
  /** Who asked: `user:<hash>`, `app:<id of the calling application>`, `key` where only a function key was needed, or `timer`. */
  readonly actor: string;
  readonly action: AuditAction;
  /** What it was done to, hashed where it is a person: `subjectHash`. */
  readonly subject: string;
  /** The caller's words, where one was given. */
  readonly reason?: string | undefined;
  readonly requestId: string;
}

export interface Audit {
  /**
   * Writes that `entry` was asked for, runs `action`, writes how it ended. When the first record cannot be written nothing
   * is done; when the second cannot, the call fails though the action happened: asking again is safe and is recorded anew.
   * An action that failed is told as it is, recorded or not.
   * `ended` tells from the result whether the action is `done`, which is what is written without it, or still `pending`.
   * Throws `upstream_failed` for a record that could not be written, and what `action` throws.
   */
  record<T>(
    entry: AuditEntry,
    action: () => Promise<T>,
    ended?: (result: T) => 'done' | 'pending',
  ): Promise<T>;
}

export function createAudit(container: ContainerClient, clock: Clock, uuid: () => string): Audit {
  async function append(entry: AuditEntry, outcome: (typeof auditOutcomes)[number]): Promise<void> {
    const time = isoTime(clock.now());
    const body = JSON.stringify({ schema: 1, time, outcome, ...entry });
    const path = `${time.slice(0, 10).replaceAll('-', '/')}/${time}-${uuid()}-${entry.action}-${outcome}.json`;
    try {
      await withCreate(
        () => container.create(),
        () =>
          container.getBlockBlobClient(path).upload(body, Buffer.byteLength(body), {
            conditions: { ifNoneMatch: '*' },
            blobHTTPHeaders: { blobContentType: 'application/json' },
          }),
      );
    } catch (cause) {
      // The path is ours alone: a blob that is already there is our own write, sent again after a lost reply.
      if (saysBlobThere(cause)) return;
      throw new AppError('upstream_failed', 'The audit record could not be written.', { cause });
    }
  }
  return {
    async record(entry, action, ended = () => 'done') {
      await append(entry, 'asked');
      let result;
      try {
        result = await action();
      } catch (error) {
        // What went wrong says more than a record that is missing; `asked` without an end is visible in the audit.
        await append(entry, 'failed').catch(() => undefined);
        throw error;
      }
      await append(entry, ended(result));
      return result;
    },
  };
}
