// Hands out tokens: asks ACS, then reads the row once more before anybody gets what ACS answered.
import { AppError, isAppError } from '../platform/errors.ts';
import { rememberedUsers } from '../platform/limits.ts';
import { describeError, type Log } from '../platform/log.ts';
import type { Secret } from '../platform/secret.ts';
import type { CommunicationSettings, TokenScope } from '../platform/settings/types.ts';
import type { AcsToken } from './acsClient.ts';
import { admit, readyIdentity, requireFresh, requireUnchanged } from './admission.ts';
import { ofOtherResource } from './directory.ts';
import type { Identities } from './identities.ts';
import { narrow, type TokenRequest, type TokenWish } from './policy.ts';
import type { UserLimit } from './rateLimit.ts';
import { settle, type Settler } from './settle.ts';
import { rowKeyOf, subjectOf, type Subject } from './subject.ts';

export interface Context {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly requestId: string;
}

export interface IssuedToken {
  readonly token: string;
  /** ISO 8601. */
  readonly expiresOn: string;
  readonly scopes: readonly TokenScope[];
  readonly user: { readonly communicationUserId: string };
  readonly endpoint: string;
}

interface Asked {
  readonly subject: Subject;
  readonly rowKey: string;
  readonly wish: TokenWish;
  readonly context: Context;
}

interface Issued {
  readonly identity: string;
  readonly token: AcsToken;
  /** Whether the row was read, and let the caller in, before ACS was asked. */
  readonly admitted: boolean;
}

export class Tokens {
  readonly #settings: CommunicationSettings;
  readonly #settler: Settler;
  readonly #identities: Identities;
  readonly #limit: UserLimit;
  /** Identities by row, never permissions: a warm call costs the one read that no call is spared. */
  readonly #known = new Map<string, string>();

  constructor(settings: CommunicationSettings, settler: Settler, identities: Identities, limit: UserLimit) {
    this.#settings = settings;
    this.#settler = settler;
    this.#identities = identities;
    this.#limit = limit;
  }

  /** Issues or refreshes. Throws `invalid_request`, `rate_limited` and what `admission.ts`, ACS and the store throw. */
  async issue(subject: Subject, request: TokenRequest, context: Context): Promise<IssuedToken> {
    const wish = narrow(request, this.#settings);
    this.#limit.take(subject.key);
    const rowKey = rowKeyOf(subject);
    const asked = { subject, rowKey, wish, context };
    const { identity, token } = await this.#checked(asked);
    context.log.info('token_issued', {
      subject: subjectOf(rowKey),
      scopes: wish.scopes,
      minutes: wish.minutes,
    });
    const { endpoint } = this.#settings.resource;
    return { ...token, scopes: wish.scopes, user: { communicationUserId: identity }, endpoint };
  }

  /** Bound to the verified Entra user. Throws `forbidden` without one, and as `issue` does. */
  async exchange(subject: Subject, teamsToken: Secret, context: Context): Promise<AcsToken> {
    const { teamsClientId } = this.#settings;
    const { rows } = this.#settler.directory;
    if (teamsClientId === undefined) {
      throw new AppError('misconfigured', 'This part of the service is not configured correctly.');
    }
    if (subject.oid === undefined) throw new AppError('forbidden', 'The exchange needs a user of Entra.');
    this.#limit.take(subject.key);
    const rowKey = rowKeyOf(subject);
    admit((await rows.read(rowKey, context.signal)).row, subject);
    const token = await this.#settler.acs.exchange(teamsToken, subject.oid, teamsClientId, context.signal);
    admit((await rows.read(rowKey, context.signal)).row, subject);
    context.log.info('teams_token_exchanged', { subject: subjectOf(rowKey) });
    return token;
  }

  /** Revokes all the caller's tokens; nothing to revoke is fine. Throws what ACS and the store throw. */
  async revoke(subject: Subject, { signal }: Context): Promise<void> {
    const { directory, acs } = this.#settler;
    this.#limit.take(`revoke ${subject.key}`);
    const { row } = await directory.rows.read(rowKeyOf(subject), signal);
    requireFresh(row, subject);
    if (row?.identity === undefined) return;
    if (row.resource !== directory.here) throw ofOtherResource();
    // Also while it is being erased: its tokens work until ACS has confirmed that.
    await acs.revoke(row.identity, 'ordinary', signal);
  }

  /** A revocation that is still owed would end the token soon after: it is settled first, and a new token issued. */
  async #checked(asked: Asked): Promise<Issued> {
    const first = (await this.#warm(asked)) ?? (await this.#cold(asked));
    if ((await this.#recheck(asked, first)) === 'good') return first;
    const second = await this.#cold(asked);
    if ((await this.#recheck(asked, second)) === 'good') return second;
    throw new AppError('conflict', 'The tokens of this user are being revoked; ask again.');
  }

  async #warm({ rowKey, wish, context }: Asked): Promise<Issued | undefined> {
    const identity = this.#known.get(rowKey);
    if (identity === undefined) return undefined;
    const token = await this.#settler.acs.issue(identity, wish, context.signal);
    if (token !== 'gone') return { identity, token, admitted: false };
    this.#known.delete(rowKey);
    return undefined;
  }

  async #cold(asked: Asked): Promise<Issued> {
    const { rowKey, wish, context } = asked;
    const { acs } = this.#settler;
    const identity = await this.#identity(asked);
    const token = await acs.issue(identity, wish, context.signal);
    if (token !== 'gone') return { identity, token, admitted: true };
    const replacement = await this.#replace(asked, identity);
    const second = await acs.issue(replacement, wish, context.signal);
    if (second !== 'gone') return { identity: replacement, token: second, admitted: true };
    context.log.warn('identity_stale', { subject: subjectOf(rowKey) });
    throw stale();
  }

  async #identity({ subject, rowKey, context }: Asked): Promise<string> {
    const { directory } = this.#settler;
    const { row } = await directory.rows.read(rowKey, context.signal);
    admit(row, subject);
    const identity = readyIdentity(row, directory.here);
    if (identity === undefined) {
      return inTime(this.#identities.obtain({ rowKey, log: context.log }), context.signal);
    }
    if (row?.owed !== undefined) {
      await settle(this.#settler, rowKey, { ...context, priority: 'reserved' });
    }
    return identity;
  }

  /** ACS does not know the identity any more: it was erased meanwhile, or lost, which only a setting lets us repair. */
  async #replace({ subject, rowKey, context }: Asked, identity: string): Promise<string> {
    const { rows, here } = this.#settler.directory;
    const { identityRepair: repair } = this.#settings;
    context.log.warn('identity_stale', { subject: subjectOf(rowKey), repair });
    if (repair) {
      const wanted = { rowKey, replacing: identity, log: context.log };
      return inTime(this.#identities.obtain(wanted), context.signal);
    }
    requireUnchanged((await rows.read(rowKey, context.signal)).row, subject, identity, here);
    throw stale();
  }

  /**
   * Disabling first and revoking then does not stop a call that had read the row before; reading it again does.
   * `owed`: the row is as it was, but a revocation is on its way that may end the token.
   */
  async #recheck(
    { subject, rowKey, context }: Asked,
    { identity, admitted }: Issued,
  ): Promise<'good' | 'owed'> {
    const { directory, acs } = this.#settler;
    const { row } = await directory.rows.read(rowKey, context.signal);
    try {
      requireUnchanged(row, subject, identity, directory.here);
    } catch (refusal) {
      this.#known.delete(rowKey);
      // A bearer from before the password was changed must not end what its owner got with a new one.
      if (!admitted && isAppError(refusal, 'unauthenticated')) throw refusal;
      // Nobody gets the token; that it also ends at ACS is a second line, so a failure of it changes no answer.
      await acs.revoke(identity, 'reserved').catch((error: unknown) => {
        context.log.warn('revoke_failed', { subject: subjectOf(rowKey), ...describeError(error) });
      });
      throw refusal;
    }
    this.#remember(rowKey, identity);
    return row?.owed === undefined ? 'good' : 'owed';
  }

  #remember(rowKey: string, identity: string): void {
    this.#known.delete(rowKey);
    const oldest = this.#known.size >= rememberedUsers ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(rowKey, identity);
  }
}

function stale(): AppError {
  return new AppError('identity_stale', 'The identity of this user is unknown to the communication service.');
}

/** Waits for shared work no longer than the caller's own time; the work itself goes on. */
async function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const gaveUp = Promise.withResolvers<never>();
  const giveUp = (): void => {
    gaveUp.reject(signal.reason);
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([work, gaveUp.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
