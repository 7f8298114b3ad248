// The token service: identities, tokens and the directory of who has which, wired to Azure.
import type { Audit } from '../platform/audit.ts';
import type { Clock } from '../platform/clock.ts';
import { sha256Hex } from '../platform/hash.ts';
import type { Platform } from '../platform/platform.ts';
import type { Secret } from '../platform/secret.ts';
import type { CommunicationSettings } from '../platform/settings/types.ts';
import { Accounts, type Access } from './accounts.ts';
import { AcsClient, type Acs, type AcsToken } from './acsClient.ts';
import type { IdentityView } from './admission.ts';
import { cleanUp, type CleanUpReport } from './cleanUp.ts';
import { Identities } from './identities.ts';
import { createIdentityTable } from './identityTable.ts';
import { createOutboxTable } from './outboxTable.ts';
import type { TokenRequest } from './policy.ts';
import { AcsBudget, UserLimit } from './rateLimit.ts';
import type { IdentityRows, Outbox } from './store.ts';
import type { Subject } from './subject.ts';
import { Tokens, type Context, type IssuedToken } from './tokens.ts';

export { backendSubject, type Subject } from './subject.ts';
export type { CleanUpReport, Context, IdentityView, IssuedToken, TokenRequest };

/** All throw `AppError`s, or the reason of the context's signal. */
export interface Communication {
  /** Gets or creates the identity and issues a token; also how a token is refreshed. */
  issue(subject: Subject, request: TokenRequest, context: Context): Promise<IssuedToken>;
  /** Exchanges a Teams user's Entra token for an ACS token of that same user. */
  exchangeTeams(subject: Subject, teamsToken: Secret, context: Context): Promise<AcsToken>;
  /** The caller revokes his own tokens. */
  revoke(subject: Subject, context: Context): Promise<void>;
  /** A backend revokes, and refuses bearers of the user issued up to now; audited. */
  revokeAll(subject: Subject, actor: string, context: Context): Promise<void>;
  /** `not_found` when there is neither an identity nor a ban. */
  identity(subject: Subject, context: Context): Promise<IdentityView>;
  /** Disables or enables, also a user not seen yet; audited. */
  setAccess(subject: Subject, access: Access, actor: string, context: Context): Promise<IdentityView>;
  /** Erases identity, chat messages and mapping; `erased` also when there is none; audited. */
  erase(subject: Subject, actor: string, context: Context): Promise<'erased' | 'pending'>;
  /** Finishes what calls and killed processes left behind. */
  cleanUp(context: Context & { remainingMs(): number }): Promise<CleanUpReport>;
}

/** What the token service stands on, behind interfaces. */
export interface Parts {
  readonly rows: IdentityRows;
  readonly outbox: Outbox;
  readonly acs: Acs;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly random: () => number;
  readonly uuid: () => string;
}

export function createCommunication(settings: CommunicationSettings, platform: Platform): Communication {
  const { clock, random, uuid } = platform;
  const { state, credential } = settings;
  const storage = platform.storage(state, credential);
  return compose(settings, {
    ...{ clock, random, uuid },
    rows: createIdentityTable(storage.table('identities'), uuid),
    outbox: createOutboxTable(storage.table('cleanups')),
    acs: new AcsClient(settings, platform, new AcsBudget(clock)),
    audit: platform.audit(state, credential),
  });
}

export function compose(settings: CommunicationSettings, parts: Parts): Communication {
  const { rows, outbox, clock, uuid, acs } = parts;
  // Tells one ACS resource from another without keeping its name in every row.
  const here = sha256Hex(settings.resource.endpoint.toLowerCase()).slice(0, 32);
  const settler = { directory: { rows, outbox, clock, uuid, here }, acs };
  const limit = new UserLimit(settings.requestsPerMinute, clock);
  const tokens = new Tokens(settings, settler, new Identities(settler, parts.random), limit);
  const accounts = new Accounts(settler, parts.audit, limit);
  return {
    issue: (subject, request, context) => tokens.issue(subject, request, context),
    exchangeTeams: (subject, teamsToken, context) => tokens.exchange(subject, teamsToken, context),
    revoke: (subject, context) => tokens.revoke(subject, context),
    revokeAll: (subject, actor, context) => accounts.revokeAll(subject, actor, context),
    identity: (subject, context) => accounts.view(subject, context),
    setAccess: (subject, access, actor, context) => accounts.setAccess(subject, access, actor, context),
    erase: (subject, actor, context) => accounts.erase(subject, actor, context),
    cleanUp: (context) => cleanUp(settler, context),
  };
}
