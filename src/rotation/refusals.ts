// Why a rotation must not happen although it is due: pure rules, each with the problem that it stands for.
import { isoTime } from '../platform/clock.ts';
import { sha256Hex } from '../platform/hash.ts';
import {
  rotationFinishMs,
  rotationMaxOwned,
  rotationMinIntervalMs,
  rotationObstacleMs,
  rotationVerifyLeastMs,
} from '../platform/limits.ts';
import type { ServiceClientSettings } from '../platform/settings/types.ts';
import type { Classified } from './credentials.ts';
import type { Observation, Survey } from './observation.ts';
import type { Wish } from './plan.ts';
import { isProblemCode, problemOf, type Problem, type ProblemCode } from './problems.ts';
import { targetIdIn, type Target } from './target.ts';

/** Why a mint that is due or asked for must not happen now. */
export function refusalOf(
  seen: Observation,
  target: Target,
  wish: Wish,
  classified: readonly Classified[],
): Problem | undefined {
  if (!seen.clocksAgree) return problemOf('clocks_disagree');
  const operator = wish.force === true || wish.revoke !== undefined;
  const held = operator ? undefined : (obstacleMet(seen, target) ?? mintedLately(seen));
  if (held) return held;
  if (mayExist(seen, classified) >= rotationMaxOwned) return problemOf('max_owned');
  if (wish.remainingMs < rotationFinishMs + rotationVerifyLeastMs) return problemOf('no_time');
  const rights = rightsProblem(seen.survey);
  return bootstrapRefusal(seen, target, operator) ?? preflightRefusal(seen) ?? (rights && problemOf(rights));
}

/** What is certain to be refused by Graph; of what could not be learnt nothing is. */
export function rightsProblem(survey: Survey | undefined): ProblemCode | undefined {
  if (survey?.mayChange === 'none') return 'graph_role_missing';
  return survey?.mayChange === 'owned' && survey.isOwner === false ? 'not_owner' : undefined;
}

/** Minting, being refused and taking the credential away again every hour mends nothing and wears the application out. */
function obstacleMet(
  { memory: { obstacle }, current, now }: Observation,
  { client }: Target,
): Problem | undefined {
  if (!obstacle || !isProblemCode(obstacle.code)) return undefined;
  const unchanged = obstacle.versionId === current?.versionId && obstacle.settings === settingsMark(client);
  if (!unchanged || now - obstacle.time >= rotationObstacleMs) return undefined;
  return problemOf(
    obstacle.code,
    `So it was at ${isoTime(obstacle.time)}. It is tried again a day later, when the secret or its settings change, or at once by a forced run.`,
  );
}

/** Changes with every setting of the client. */
export function settingsMark(client: ServiceClientSettings): string {
  return sha256Hex(JSON.stringify(Object.entries(client).sort())).slice(0, 12);
}

function mintedLately({ memory, now }: Observation): Problem | undefined {
  const lately = memory.intents.some(({ time }) => time > now - rotationMinIntervalMs);
  return lately ? problemOf('min_interval') : undefined;
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
  { current, credentials, memory }: Observation,
  target: Target,
  operator: boolean,
): Problem | undefined {
  if (current) return undefined;
  for (const { displayName, keyId } of credentials) {
    const owner = targetIdIn(displayName);
    if (owner === undefined) continue;
    if (owner !== target.id)
      return problemOf('other_target', `It is ${keyId}, made for the target ${owner}.`, { keyId });
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
