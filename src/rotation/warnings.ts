// What a run has to point out although it does not stop it: pure, from what was seen.
import { rotationManyCredentials } from '../platform/limits.ts';
import type { Classified, Standing } from './credentials.ts';
import type { CredentialFact, Observation } from './observation.ts';
import { problemOf } from './problems.ts';
import { rightsProblem } from './refusals.ts';
import { targetIdIn } from './target.ts';

/** In words, for the report; placeholders in them are filled in there. */
export function warningsOf(
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
  return [...warnings, ...appeared(seen, classified), ...surveyWarnings(seen)];
}

/** Where an application has two targets, each sees what is minted for the other: that need not be a break-in. */
function appeared({ memory: { knownKeys } }: Observation, classified: readonly Classified[]): string[] {
  return classified
    .filter(({ kind, credential }) => kind === 'foreign' && knownKeys?.includes(credential.keyId) === false)
    .map(({ credential: { keyId, displayName } }) => {
      const maker = targetIdIn(displayName);
      return maker === undefined
        ? `a credential that this app did not make appeared: ${keyId}`
        : `a credential named after another target, ${maker}, appeared: ${keyId}`;
    });
}

/** From this run's survey, or from the last one of an earlier run. */
function surveyWarnings({ credentials, survey, memory }: Observation): string[] {
  const warnings = (survey?.principalSecrets ?? [])
    .filter(({ keyId }) => memory.survey?.principalSecrets?.every((one) => one.keyId !== keyId))
    .map(({ keyId }) => `a secret that this app did not make appeared on the service principal: ${keyId}`);
  const known = survey ?? memory.survey;
  const rights = rightsProblem(known);
  if (rights) {
    const { message, advice } = problemOf(rights);
    warnings.push(`a rotation would be refused: ${message} ${advice}`);
  }
  if (known?.federatedCredentials) warnings.push(secretless);
  if (credentials.length >= rotationManyCredentials) {
    const { advice } = problemOf('application_full');
    warnings.push(
      `the application has ${credentials.length} credentials; at a size that Entra does not publish it takes no more. ${advice}`,
    );
  }
  return warnings;
}

/** Our own probe signs in with the secret too: its resource is Microsoft Graph. */
const secretless =
  'the application has a federated credential: its secret may be unnecessary. Whether anybody but this app still uses it: ' +
  'Entra portal, Sign-in logs, Service principal sign-ins, of <appId>, for other resources than Microsoft Graph; or in Log ' +
  "Analytics: AADServicePrincipalSignInLogs | where AppId == '<appId>' and isnotempty(ServicePrincipalCredentialKeyId) and " +
  "ResourceDisplayName != 'Microsoft Graph'";
