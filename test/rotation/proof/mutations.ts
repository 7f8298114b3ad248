// The rules that keep a secret from breaking, each with the edit that takes it out of the source.
import type { Rule } from './judge.ts';
import { mutationsOfRemovals } from './mutationsOfRemovals.ts';
import type { ScenarioName } from './scenarios.ts';
import type { Edit } from './source.ts';

/** What is lost, which rule that breaks, and the edit that loses it: in `file`, `text` becomes something else. */
export type Mutation = readonly [
  name: string,
  rule: Rule,
  /** Where it shows: a scenario, or the seed of the history to begin with. */
  by: ScenarioName | number,
  file: string,
  text: string,
  becomes: string,
];

export const editOf = ([, , , file, text, becomes]: Mutation): Edit => ({ file, text, becomes });

const ofMints: readonly Mutation[] = [
  [
    'silence in the report',
    'no secret shows',
    'a run that is due, and any one fault',
    'mint.ts',
    'progress.newKeyId = credential.keyId;',
    'progress.newKeyId = credential.secret.reveal();',
  ],
  [
    'silence in the tags',
    'no secret shows',
    'a run that is due, and any one fault',
    'publish.ts',
    'return { value: secret, expiresAt: endsAt, tags };',
    'return { value: secret, expiresAt: endsAt, tags: { ...tags, hint: secret.reveal().slice(0, 3) } };',
  ],
  [
    'silence in the log',
    'no secret shows',
    'a run that is due, and any one fault',
    'publish.ts',
    "work.log.warn('rotation_read_back_failed', { appId: work.target.client.appId, ...describeError(error) });",
    "work.log.warn('rotation_read_back_failed', { hint: credential.secret.reveal().slice(0, 3) });",
  ],
  [
    'an intent before the mint',
    'an intent is in the state before its mint',
    'a first secret, and any one fault',
    'mint.ts',
    'await state.save({ intents: [...intents, { displayName, time: now, published: false }] });',
    'void intents;',
  ],
  [
    'the minimum age of orphans',
    'an orphan is left alone until nobody can publish it any more',
    25,
    'cleanUp.ts',
    'seen.now - startsAt >= rotationOrphanAgeMs',
    'seen.now - startsAt >= 0',
  ],
  [
    'several proofs',
    'a secret is proven several times in a row before it is published',
    'a run that is due, and any one fault',
    'verify.ts',
    'inRow === rotationVerifyTokens',
    'inRow === 1',
  ],
  [
    'proofs in a row',
    'a secret is proven several times in a row before it is published',
    'a run that is due, and any one fault',
    'verify.ts',
    '(await isProof()) ? inRow + 1 : 0',
    '(await isProof()) ? inRow + 1 : inRow',
  ],
  [
    'proof at all',
    'a secret is proven several times in a row before it is published',
    301,
    'mint.ts',
    "if (!proven) throw new RotationProblem('verify_failed');",
    '',
  ],
  [
    'retiring only later',
    'a previous credential works through the overlap',
    1,
    'cleanUp.ts',
    "kind === 'previous' && overlapOver &&",
    "kind === 'previous' &&",
  ],
  [
    'cleaning up only in runs that do not mint',
    'a previous credential works through the overlap',
    'hours pass in the middle of a forced run',
    'plan.ts',
    'const steps = allowed.length > 0 ? allowed : cleanUp(seen, target.client, classified, standing);',
    'const steps = [...allowed, ...cleanUp(seen, target.client, classified, standing)];',
  ],
  [
    'a proven current version before removing',
    'nothing is removed unless the current version is settled',
    'a run cleans up while somebody rolls back, and any one fault',
    'cleanUp.ts',
    'else if (!proven) continue;',
    '',
  ],
  [
    'maxOwned',
    'no more credentials than maxOwned',
    'a forced run whose Graph does not show the newest of four',
    'refusals.ts',
    '>= rotationMaxOwned',
    '>= 99',
  ],
  [
    'mints that Graph does not show yet',
    'no more credentials than maxOwned',
    'a forced run whose Graph does not show the newest of four',
    'refusals.ts',
    'shown + hidden.length',
    'shown',
  ],
  [
    'the minimum interval',
    'no second mint within the minimum interval',
    12,
    'refusals.ts',
    "lately ? problemOf('min_interval') : undefined",
    'undefined && lately',
  ],
  [
    'the agreement of the clocks',
    'nothing is changed while the clocks disagree',
    3,
    'observe.ts',
    'apart <= rotationClockToleranceMs',
    'apart >= 0',
  ],
  [
    'the check of a first mint',
    'a wrong vault gets nothing',
    8,
    'refusals.ts',
    'if (current) return undefined;',
    'return undefined;',
  ],
  [
    'the second rejection',
    'a rotation has a proven reason',
    'a leaked secret is revoked while somebody sets it again',
    'plan.ts',
    '    : { waiting:',
    "    : { reason: 'rejected', waiting:",
  ],
  [
    'time between two rejections',
    'a rotation has a proven reason',
    45,
    'plan.ts',
    'seen.now - rejection.time >= rotationRejectionGapMs',
    'seen.now >= rejection.time',
  ],
  [
    'the version that a rejection is about',
    'a rotation has a proven reason',
    45,
    'clientRun.ts',
    'memory.rejection?.versionId === current.versionId ? memory.rejection : undefined',
    '(memory.rejection ? { ...memory.rejection, versionId: current.versionId } : undefined)',
  ],
  [
    'an unknown answer that causes nothing',
    'a rotation has a proven reason',
    81,
    'plan.ts',
    "if (seen.health !== 'rejected') return {};",
    "if (seen.health === 'proven') return {};",
  ],
];

export const mutations: readonly Mutation[] = [...ofMints, ...mutationsOfRemovals];
