// What a backend decides about a user: revoking everything, disabling and enabling, erasing. Each is audited.
import type { Audit, AuditAction } from '../platform/audit.ts';
import { isAppError } from '../platform/errors.ts';
import { describeError } from '../platform/log.ts';
import { accessView, requireFresh, viewOf, type IdentityView } from './admission.ts';
import { announcedChange, type Announced } from './changes.ts';
import { markDeleting, revokeAll, setAccess, type Change, type Found } from './directory.ts';
import { settle, type Settler } from './settle.ts';
import type { UserLimit } from './rateLimit.ts';
import { rowKeyOf, subjectOf, type Subject } from './subject.ts';
import type { Context } from './tokens.ts';

export interface Access {
  readonly enabled: boolean;
  readonly reason?: string | undefined;
}

interface Act {
  readonly action: AuditAction;
  readonly subject: Subject;
  readonly actor: string;
  readonly reason?: string | undefined;
  readonly context: Context;
}

export class Accounts {
  readonly #settler: Settler;
  readonly #audit: Audit;
  readonly #limit: UserLimit;

  constructor(settler: Settler, audit: Audit, limit: UserLimit) {
    this.#settler = settler;
    this.#audit = audit;
    this.#limit = limit;
  }

  async view(subject: Subject, { signal }: Context): Promise<IdentityView> {
    const { row } = await this.#settler.directory.rows.read(rowKeyOf(subject), signal);
    requireFresh(row, subject);
    return viewOf(row);
  }

  /** Throws what ACS throws when it did not confirm: bearers are refused by then and the timer revokes, but it is not done. */
  async revokeAll(subject: Subject, actor: string, context: Context): Promise<void> {
    await this.#record({ action: 'tokens.revoke', subject, actor, context }, async () => {
      const intent = this.#settler.directory.uuid();
      const announced = await this.#change(subject, context, (found) => revokeAll(found, intent));
      await this.#settle(subject, context, announced);
    });
  }

  /** What was decided holds from here on, whether or not ACS has confirmed the revocation; the timer sees to that. */
  async setAccess(
    subject: Subject,
    { enabled, reason }: Access,
    actor: string,
    context: Context,
  ): Promise<IdentityView> {
    const action = enabled ? 'identity.enable' : 'identity.disable';
    return this.#record({ action, subject, actor, reason, context }, async () => {
      const intent = this.#settler.directory.uuid();
      const announced = await this.#change(subject, context, (found) => setAccess(found, enabled, intent));
      await this.#settle(subject, context, announced).catch((error: unknown) => {
        context.log.warn('revoke_owed', { subject: subjectOf(rowKeyOf(subject)), ...describeError(error) });
      });
      return accessView(announced.result);
    });
  }

  /**
   * `pending`: ACS has not confirmed; the timer goes on. Throws `rate_limited` for a user's own wish, and
   * `identity_of_other_resource`, the row then stays `deleting`.
   */
  async erase(subject: Subject, actor: string, context: Context): Promise<'erased' | 'pending'> {
    // Each call leaves two audit records, whether there is anything to erase or not.
    if (isUser(subject)) this.#limit.take(`erase ${subject.key}`);
    const work = async (): Promise<'erased' | 'pending'> => {
      const announced = await this.#change(subject, context, (found) => {
        requireFresh(found.row, subject);
        return markDeleting(found);
      });
      const person = subjectOf(rowKeyOf(subject));
      if (announced.result.lost) context.log.warn('possible_orphan', { subject: person, reason: 'erased' });
      try {
        await this.#settle(subject, context, announced);
        return 'erased';
      } catch (error) {
        if (isAppError(error, 'identity_of_other_resource')) throw error;
        if (announced.result.kind === 'nothing') return 'erased';
        context.log.warn('erase_pending', { subject: person, ...describeError(error) });
        return 'pending';
      }
    };
    const act = { action: 'identity.erase', subject, actor, context } as const;
    return this.#record(act, work, (outcome) => (outcome === 'erased' ? 'done' : outcome));
  }

  #record<T>(
    { context, subject, ...act }: Act,
    work: () => Promise<T>,
    ended?: (result: T) => 'done' | 'pending',
  ): Promise<T> {
    const { requestId } = context;
    return this.#audit.record({ ...act, subject: subjectOf(rowKeyOf(subject)), requestId }, work, ended);
  }

  #change<R>(
    subject: Subject,
    { signal }: Context,
    transition: (found: Found) => Change<R>,
  ): Promise<Announced<R>> {
    return announcedChange(this.#settler.directory, rowKeyOf(subject), transition, signal);
  }

  #settle(subject: Subject, context: Context, { entry }: Announced<unknown>): Promise<void> {
    const { log, signal } = context;
    // The part of the ACS budget that is kept for backends is not for users who erase themselves.
    const priority = isUser(subject) ? 'ordinary' : 'reserved';
    return settle(this.#settler, rowKeyOf(subject), { log, signal, priority }, entry);
  }
}

/** The user himself asks, not a backend for him. */
function isUser({ tokenIssuedAt }: Subject): boolean {
  return tokenIssuedAt !== undefined;
}
