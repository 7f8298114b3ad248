// Which old credentials and versions a run may put away: pure, and the place where nothing foreign and nothing last may pass.
import { rotationOrphanAgeMs } from '../platform/limits.ts';
import type { ServiceClientSettings } from '../platform/settings/types.ts';
import type { Classified, Standing } from './credentials.ts';
import type { Observation } from './observation.ts';
import type { Step } from './plan.ts';

type Client = Pick<ServiceClientSettings, 'appId' | 'overlapHours' | 'retire'>;

/**
 * Nothing at all while the current version is untagged or contradicts its tag: a valid credential stands behind every
 * removal. `ROTATION_RETIRE=expire` keeps previous credentials until they are over; expired ones go in every mode, for
 * Entra keeps them in its list.
 */
export function cleanUp(
  seen: Observation,
  client: Client,
  classified: readonly Classified[],
  standing: Standing,
): readonly Step[] {
  return standing.kind === 'none' ? leftOvers(seen, classified) : putAway(seen, client, classified, standing);
}

function putAway(
  seen: Observation,
  client: Client,
  classified: readonly Classified[],
  standing: Standing,
): readonly Step[] {
  if (standing.kind !== 'settled') return [];
  const proven = seen.health === 'proven';
  const overlapOver = seen.now - standing.version.createdAt >= client.overlapHours * 3_600_000;
  const steps: Step[] = [];
  for (const { kind, credential } of classified) {
    const { keyId, startsAt } = credential;
    if (kind === 'expired') steps.push({ kind: 'removeExpired', keyId });
    else if (!proven) continue;
    // The tag may lie, and Graph may not say how the credential it names begins: this one may be what the vault serves.
    else if (credential.hint === 'matches') continue;
    else if (kind === 'previous' && overlapOver && client.retire === 'remove')
      steps.push({ kind: 'retire', keyId });
    else if (kind === 'orphan' && seen.now - startsAt >= rotationOrphanAgeMs)
      steps.push({ kind: 'sweep', keyId });
  }
  return proven ? [...steps, ...deadVersions(seen, client.appId, standing.version.createdAt)] : steps;
}

/**
 * First mints that ended before they published could fill the application for ever, for nothing is swept before a first
 * secret is in use. What is known to be unpublished is nobody's once no publish can follow; the youngest stays all the same.
 */
function leftOvers({ now, memory, preflight }: Observation, classified: readonly Classified[]): Step[] {
  if (preflight?.deleted !== 'no') return [];
  const unpublished = memory.intents
    .filter(({ published }) => !published)
    .map(({ displayName }) => displayName);
  return classified
    .filter(({ kind }) => kind === 'orphan')
    .map(({ credential }) => credential)
    .sort((one, other) => other.startsAt - one.startsAt)
    .slice(1)
    .filter(({ displayName }) => displayName !== undefined && unpublished.includes(displayName))
    .filter(({ startsAt }) => now - startsAt >= rotationOrphanAgeMs)
    .map(({ keyId }) => ({ kind: 'sweep', keyId }));
}

/** Older versions of ours whose credential is gone. The age keeps a stale read of Graph from looking like a removal. */
function deadVersions(seen: Observation, appId: string, currentSince: number): Step[] {
  if (seen.now - currentSince < rotationOrphanAgeMs) return [];
  const alive = new Set(seen.credentials.map(({ keyId }) => keyId));
  return seen.versions
    .filter(({ versionId, enabled }) => enabled && versionId !== seen.current?.versionId)
    .filter(({ createdAt }) => createdAt <= currentSince)
    .filter(
      ({ taggedApp, credentialId }) =>
        taggedApp === appId && credentialId !== undefined && !alive.has(credentialId),
    )
    .map(({ versionId }) => ({ kind: 'disableVersion', versionId }));
}
