// Decides what one run does: a pure function of what was seen, the policy and what was asked for.
import {
  rotationFinishMs,
  rotationMaxOwned,
  rotationMinIntervalMs,
  rotationRejectionGapMs,
  rotationVerifyLeastMs,
} from '../platform/limits.ts';
import { cleanUp } from './cleanUp.ts';
import { classify, standingOf, type Classified, type Standing } from './credentials.ts';
import type { CredentialFact, Observation } from './observation.ts';
import { problemOf, type Problem } from './problems.ts';
import { targetIdIn, type Target } from './target.ts';

export type MintReason = 'bootstrap' | 'expiry' | 'rejected' | 'forced' | 'revoked';

export type Step =
  | { readonly kind: 'adopt'; readonly versionId: string; readonly keyId: string; readonly endsAt: number }
  | { readonly kind: 'mint'; readonly reason: MintReason }
  /** Removes a credential without overlap; after a mint, only once the new one is published and read back. */
  | { readonly kind: 'revoke'; readonly keyId: string }
  | { readonly kind: 'retire' | 'sweep' | 'removeExpired'; readonly keyId: string }
  | { readonly kind: 'disableVersion'; readonly versionId: string };

export interface Wish {
  readonly force?: boolean | undefined;
  /** Key id of a leaked credential. */
  readonly revoke?: string | undefined;
  /** What is left of the run's budget. */
  readonly remainingMs: number;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Why something that was due or asked for is not among the steps. */
  readonly refusal: Problem | undefined;
  /** A first rejection, for instance: nothing to do yet. */
  readonly waiting: string | undefined;
  readonly warnings: readonly string[];
  readonly classified: readonly Classified[];
  readonly standing: Standing;
  /** End of the current secret, where it is known. */
  readonly endsAt: number | undefined;
}

const dayMs = 24 * 3_600_000;

/** At most one mint, and with one nothing is removed but what `revoke` names: cleaning up belongs to later runs. */
export function planRun(seen: Observation, target: Target, wish: Wish): Plan {
  const classified = classify(seen, target.id);
  const standing = standingOf(seen);
  const adopted = adoptable(seen, target.id, standing);
  const endsAt = adopted?.endsAt ?? endOf(seen);
  const base = { classified, standing, endsAt, warnings: warningsOf(seen, classified, standing, adopted) };
  const wanted = wantedSteps({ seen, target, wish, standing, adopted, endsAt });
  const common = { ...base, waiting: wanted.waiting };
  if (wanted.refusal) return { ...common, steps: [], refusal: wanted.refusal };
  const minting = wanted.steps.some(({ kind }) => kind === 'mint');
  const refusal = minting ? refusalOf(seen, target, wish, classified) : undefined;
  // What stops a mint does not stop an adoption, nor the cleaning up that may make room for it.
  const allowed = refusal ? wanted.steps.filter(({ kind }) => kind === 'adopt') : wanted.steps;
  const steps = allowed.length > 0 ? allowed : cleanUp(seen, target.client, classified, standing);
  if (steps.length > 0 && !seen.clocksAgree) {
    return { ...common, steps: [], refusal: problemOf('clocks_disagree') };
  }
  return { ...common, steps, refusal };
}

interface Wanted {
  readonly steps: readonly Step[];
  readonly waiting?: string | undefined;
  readonly refusal?: Problem | undefined;
}

interface Situation {
  readonly seen: Observation;
  readonly target: Target;
  readonly wish: Wish;
  readonly standing: Standing;
  readonly adopted: CredentialFact | undefined;
  readonly endsAt: number | undefined;
}

function wantedSteps(situation: Situation): Wanted {
  const { seen, wish, adopted } = situation;
  if (wish.revoke !== undefined) return revocation(situation, wish.revoke);
  const { reason, waiting } = mintReason(situation);
  const steps: Step[] = [];
  if (adopted && seen.current) {
    const { keyId, endsAt } = adopted;
    steps.push({ kind: 'adopt', versionId: seen.current.versionId, keyId, endsAt });
  }
  if (reason) steps.push({ kind: 'mint', reason });
  return { steps, waiting };
}

/** The leaked credential goes at once where another one is current and has just proven itself; else a new one comes first. */
function revocation({ seen, standing }: Situation, keyId: string): Wanted {
  if (!seen.credentials.some((one) => one.keyId === keyId)) {
    return { steps: [], refusal: problemOf('revoke_unknown', keyId) };
  }
  const healthy = standing.kind === 'settled' && seen.health === 'proven';
  const revoke: Step = { kind: 'revoke', keyId };
  if (healthy && standing.credential.keyId !== keyId) return { steps: [revoke] };
  return { steps: [{ kind: 'mint', reason: 'revoked' }, revoke] };
}

function mintReason({ seen, target, wish, endsAt }: Situation): { reason?: MintReason; waiting?: string } {
  if (!seen.current) return { reason: 'bootstrap' };
  if (wish.force === true) return { reason: 'forced' };
  if (endsAt !== undefined && endsAt - seen.now <= target.client.beforeDays * dayMs)
    return { reason: 'expiry' };
  if (seen.health !== 'rejected') return {};
  const { rejection } = seen.memory;
  const again =
    rejection?.versionId === seen.current.versionId && seen.now - rejection.time >= rotationRejectionGapMs;
  return again
    ? { reason: 'rejected' }
    : { waiting: 'Entra rejects the current secret; a second rejection is awaited' };
}

/**
 * Whether an untagged value can be given its name: exactly one valid credential begins like it, and Entra accepts it.
 * One that was made for another target stays that target's: adopted here, it would be retired here.
 */
function adoptable(seen: Observation, targetId: string, standing: Standing): CredentialFact | undefined {
  if (standing.kind !== 'untagged' || seen.health !== 'proven') return undefined;
  const candidates = seen.credentials.filter(({ hint, endsAt }) => hint === 'matches' && endsAt > seen.now);
  const [only] = candidates;
  if (candidates.length !== 1 || !only) return undefined;
  const maker = targetIdIn(only.displayName);
  return maker === undefined || maker === targetId ? only : undefined;
}

function endOf({ current, credentials }: Observation): number | undefined {
  const named = credentials.find(({ keyId, hint }) => keyId === current?.credentialId && hint !== 'differs');
  return named?.endsAt ?? current?.expiresAt;
}

function refusalOf(
  seen: Observation,
  target: Target,
  wish: Wish,
  classified: readonly Classified[],
): Problem | undefined {
  if (!seen.clocksAgree) return problemOf('clocks_disagree');
  const operator = wish.force === true || wish.revoke !== undefined;
  if (!operator && mintedLately(seen)) return problemOf('min_interval');
  if (mayExist(seen, classified) >= rotationMaxOwned) return problemOf('max_owned');
  if (wish.remainingMs < rotationFinishMs + rotationVerifyLeastMs) return problemOf('no_time');
  return (seen.current ? undefined : bootstrapRefusal(seen, target, operator)) ?? preflightRefusal(seen);
}

function mintedLately({ memory, now }: Observation): boolean {
  return memory.intents.some(({ time }) => time > now - rotationMinIntervalMs);
}

/** Valid credentials of ours, with the recent mints that Graph may not show yet: its reads are stale. */
function mayExist(seen: Observation, classified: readonly Classified[]): number {
  const shown = classified.filter(({ ours, credential }) => ours && credential.endsAt > seen.now).length;
  const names = new Set(seen.credentials.map(({ displayName }) => displayName));
  const since = seen.now - rotationMinIntervalMs;
  const hidden = seen.memory.intents.filter(
    ({ displayName, time }) => time > since && !names.has(displayName),
  );
  return shown + hidden.length;
}

/** A wrong vault must not get a secret: every credential of ours must be the left-over of an unfinished first mint here. */
function bootstrapRefusal(
  { credentials, memory }: Observation,
  target: Target,
  operator: boolean,
): Problem | undefined {
  for (const { displayName, keyId } of credentials) {
    const owner = targetIdIn(displayName);
    if (owner === undefined) continue;
    if (owner !== target.id)
      return problemOf('other_target', `It is ${keyId}, made for the target ${owner}.`);
    const unfinished = memory.intents.some(
      (intent) => intent.displayName === displayName && !intent.published,
    );
    if (!unfinished && !operator) return problemOf('own_credentials_left', `It is ${keyId}.`);
  }
  return undefined;
}

function preflightRefusal({ preflight }: Observation): Problem | undefined {
  if (!preflight) return undefined;
  if (preflight.deleted === 'yes') return problemOf('secret_deleted');
  if (preflight.deleted === 'unreadable') return problemOf('deleted_unreadable');
  const { kind, code } = preflight.control;
  if (kind === 'rejected') return undefined;
  const detail = code === undefined ? undefined : `AADSTS${code}.`;
  return problemOf(kind === 'wrongTenant' ? 'wrong_tenant' : 'entra_unusable', detail);
}

function warningsOf(
  seen: Observation,
  classified: readonly Classified[],
  standing: Standing,
  adopted: CredentialFact | undefined,
): readonly string[] {
  const warnings: string[] = [];
  if (!seen.clocksAgree) warnings.push(problemOf('clocks_disagree').message);
  if (standing.kind === 'untagged' && !adopted) {
    warnings.push('the current version carries no CredentialId and no credential could be matched to it');
  }
  if (standing.kind === 'contradicted') {
    warnings.push(
      'the current version names a credential that is gone, expired or not its own: nothing is retired',
    );
  }
  if (seen.current && seen.health === 'unknown') {
    const code = seen.probeCode === undefined ? '' : ` (AADSTS${seen.probeCode})`;
    warnings.push(`whether the current secret works could not be learnt${code}`);
  }
  const known = seen.memory.knownKeys;
  for (const { kind, credential } of classified) {
    if (kind !== 'foreign' || known === undefined || known.includes(credential.keyId)) continue;
    warnings.push(`a credential that this app did not make appeared: ${credential.keyId}`);
  }
  return warnings;
}
