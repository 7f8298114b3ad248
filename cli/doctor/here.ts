// Looks at everything that the app needs, from this machine: the settings, the sign-in, and each permission.
import type { Platform } from '../../src/platform/platform.ts';
import { settingProblems } from '../../src/platform/settings/settings.ts';
import type {
  CallerSettings,
  ChangeFeedSettings,
  CommunicationSettings,
  CredentialSettings,
  RotationSettings,
  Settings,
} from '../../src/platform/settings/types.ts';
import { signInCheck } from './checks/signIn.ts';
import {
  communicationChecks,
  dicomChecks,
  graphChecks,
  issuerChecks,
  webhookChecks,
} from './checks/services.ts';
import {
  auditBlobs,
  deliveryBlobs,
  deliveryQueue,
  rotationBlobs,
  stateBlobs,
  stateTables,
} from './checks/storage.ts';
import { vaultChecks } from './checks/vault.ts';
import { idle, type Finding } from './finding.ts';

/** In the order in which they are best mended. Never throws for what a service does. */
export async function lookHere(settings: Settings, platform: Platform): Promise<readonly Finding[]> {
  const { communication, rotation, changeFeed } = settings;
  const checks: Promise<Finding>[] = [...signIns(settings, platform)];
  if (communication.state === 'on') checks.push(...ofCommunication(communication.value, platform));
  if (rotation.state === 'on') checks.push(...ofRotation(rotation.value, platform));
  if (changeFeed.state === 'on') checks.push(...ofChangeFeed(changeFeed.value, platform));
  const callers = callersOf(settings);
  if (callers) checks.push(...issuerChecks(callers, platform));
  return once([...settingFindings(settings), ...(await Promise.all(checks))]);
}

function settingFindings(settings: Settings): readonly Finding[] {
  const names = ['communication', 'rotation', 'changeFeed'] as const;
  const states = names.map((name): Finding => {
    const { state } = settings[name];
    const check = `Settings: ${name}`;
    if (state === 'on') return { check, verdict: 'ok', detail: 'on' };
    if (state === 'off') return { check, verdict: 'ok', detail: 'off: none of its settings is set' };
    const cure = 'Mend the settings that are named; the README lists them.';
    return { check, verdict: 'failed', detail: 'misconfigured', cure };
  });
  const problems = settingProblems(settings).map(({ setting, problem }): Finding => ({
    ...{ check: `Settings: ${setting}`, verdict: 'failed', detail: problem },
    cure: 'Mend the settings that are named; the README lists them.',
  }));
  return [...states, ...idle(names.map((name) => settings[name].state)), ...problems];
}

function signIns(
  { communication, rotation, changeFeed }: Settings,
  platform: Platform,
): readonly Promise<Finding>[] {
  const identities: CredentialSettings[] = [];
  if (communication.state === 'on') {
    const { resource, state, credential } = communication.value;
    if (resource.kind === 'endpoint' || state.kind === 'identity') identities.push(credential);
  }
  if (rotation.state === 'on') identities.push(rotation.value.credential);
  if (changeFeed.state === 'on') identities.push(changeFeed.value.credential);
  const each = new Map(identities.map((one) => [JSON.stringify(one), one]));
  return [...each.values()].map((identity) => signInCheck(identity, platform));
}

function ofCommunication(settings: CommunicationSettings, platform: Platform): readonly Promise<Finding>[] {
  const state = { settings: settings.state, identity: settings.credential };
  return [
    ...stateTables(state, platform, ['identities', 'cleanups'], ['read', 'write', 'delete']),
    ...auditBlobs(state, platform),
    ...communicationChecks(settings, platform),
  ];
}

function ofRotation(settings: RotationSettings, platform: Platform): readonly Promise<Finding>[] {
  const { credential, vaultUrl, clients } = settings;
  const state = { settings: settings.state, identity: credential };
  return [
    ...rotationBlobs(state, platform),
    ...auditBlobs(state, platform),
    ...graphChecks(settings, platform),
    ...clients.flatMap(({ secretName }) =>
      vaultChecks({ name: 'keyVault', vaultUrl, secretName, credential }, platform),
    ),
  ];
}

function ofChangeFeed(settings: ChangeFeedSettings, platform: Platform): readonly Promise<Finding>[] {
  const { credential, sinks, container, queue, webhook } = settings;
  const state = { settings: settings.state, identity: credential };
  const deliveries = { settings: settings.deliveries, identity: credential };
  const auth = webhook?.auth;
  const hasQueue = sinks.includes('queue');
  return [
    ...stateBlobs(state, platform),
    ...stateTables(state, platform, ['cursors'], ['read', 'write']),
    ...auditBlobs(state, platform),
    ...dicomChecks(settings, platform),
    // The queue's large events lie in the container, too.
    ...(hasQueue || sinks.includes('blob') ? deliveryBlobs(deliveries, platform, container) : []),
    ...(hasQueue ? deliveryQueue(deliveries, platform, queue) : []),
    ...(auth?.kind === 'hmac' ? vaultChecks({ name: 'webhookKey', ...auth, credential }, platform) : []),
    ...webhookChecks(settings, platform),
  ];
}

/** All that are on read the same settings for it. */
function callersOf({ communication, rotation, changeFeed }: Settings): CallerSettings | undefined {
  const on = [communication, rotation, changeFeed].flatMap((one) => (one.state === 'on' ? [one.value] : []));
  return on[0]?.callers;
}

/** Capabilities share accounts, and mostly an identity: what is found alike is told once. */
function once(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((one) => [JSON.stringify(one), one])).values()];
}
