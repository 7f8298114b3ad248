// Decides what one run does: a pure function of what was seen, the policy and what was asked for.
import { rotationRejectionGapMs } from '../platform/limits.ts';
import { cleanUp } from './cleanUp.ts';
import { classify, standingOf, type Classified, type Standing } from './credentials.ts';
import type { CredentialFact, Observation } from './observation.ts';
import { problemOf, type Problem } from './problems.ts';
import { refusalOf } from './refusals.ts';
import { targetIdIn, type Target } from './target.ts';
import { warningsOf } from './warnings.ts';

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

/**
 * The leaked credential goes at once where another one is certainly current and has just proven itself; else a new one
 * comes first. That of another target may be what its consumers use: only there can a new one come first.
 */
function revocation({ seen, target, standing }: Situation, keyId: string): Wanted {
  const leaked = seen.credentials.find((one) => one.keyId === keyId);
  if (!leaked) return { steps: [], refusal: problemOf('revoke_unknown', keyId) };
  const maker = targetIdIn(leaked.displayName);
  if (maker !== undefined && maker !== target.id)
    return { steps: [], refusal: problemOf('revoke_other_target', `It is ${maker}.`, { keyId }) };
  // What begins like the current value may be that value, whatever the tag says.
  const healthy = standing.kind === 'settled' && seen.health === 'proven' && leaked.hint !== 'matches';
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
