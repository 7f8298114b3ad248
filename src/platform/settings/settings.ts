// Parses the environment once into one frozen object: each capability off, on, or with everything that is wrong with it.
import { readCallers } from './callers.ts';
import { readChangeFeed } from './changeFeed.ts';
import { readCommunication } from './communication.ts';
import { Reader, type Environment } from './reader.ts';
import { readRotation } from './rotation.ts';
import { table } from './table.ts';
import { readTelemetry } from './telemetry.ts';
import type { OperationsSettings, Schedules, Section, SettingProblem, Settings } from './types.ts';

/** What makes a capability, or telemetry, configured: its settings without a default. */
const triggers = {
  communication: [
    'COMMUNICATION_SERVICES_ENDPOINT',
    'COMMUNICATION_SERVICES_CONNECTION_STRING',
    'AUTH_BACKEND_ROLE',
    'TEAMS_CLIENT_ID',
  ],
  rotation: [
    'KEY_VAULT_URL',
    'SERVICE_CLIENT_APP_ID',
    'SERVICE_CLIENT_TENANT_ID',
    'SERVICE_CLIENT_SECRET_NAME',
    'SERVICE_CLIENTS',
  ],
  changeFeed: ['DICOM_SERVICE_URL', 'CHANGE_FEED_START'],
  telemetry: [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_HEADERS',
    'APPLICATIONINSIGHTS_CONNECTION_STRING',
    'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  ],
} as const;

/** Never throws: what is wrong stands in the sections. */
export function parseSettings(environment: Environment): Settings {
  return frozen({
    operations: readOperations(environment),
    communication: section(environment, triggers.communication, readCommunication),
    rotation: section(environment, triggers.rotation, readRotation),
    changeFeed: section(environment, triggers.changeFeed, readChangeFeed),
    telemetry: section(environment, triggers.telemetry, readTelemetry),
    schedules: readSchedules(environment),
  });
}

/** Every problem of every section once, or none. */
export function settingProblems(settings: Settings): readonly SettingProblem[] {
  const { operations, communication, rotation, changeFeed, telemetry } = settings;
  const all = [operations, communication, rotation, changeFeed, telemetry].flatMap((part) =>
    part.state === 'misconfigured' ? part.problems : [],
  );
  return [...new Map(all.map((entry) => [`${entry.setting}: ${entry.problem}`, entry])).values()];
}

/** What is wrong with one capability, in one line: for the log and the health details, which only operators see. */
export function problemText({ problems }: { readonly problems: readonly SettingProblem[] }): string {
  return problems.map(({ setting, problem }) => `${setting}: ${problem}`).join('; ');
}

function section<T>(
  environment: Environment,
  names: readonly string[],
  read: (reader: Reader) => T | undefined,
): Section<T> {
  const reader = new Reader(environment);
  if (!names.some((name) => reader.has(name))) return { state: 'off' };
  const value = read(reader);
  if (value === undefined || reader.problems.length > 0) {
    return { state: 'misconfigured', problems: reader.problems };
  }
  return { state: 'on', value };
}

/**
 * A role that is not chosen yet asks for the function key alone: the details are needed most when settings are missing.
 * One that was chosen but cannot be read lets nobody in.
 */
function readOperations(environment: Environment): Section<OperationsSettings> {
  const reader = new Reader(environment);
  const role = reader.optional('AUTH_OPERATOR_ROLE');
  if (reader.problems.length > 0) return { state: 'misconfigured', problems: reader.problems };
  return { state: 'on', value: { role: role ?? 'none', callers: readCallers(reader) } };
}

function readSchedules(environment: Environment): Schedules {
  const reader = new Reader(environment);
  const or = (name: 'IDENTITY_CLEANUP_SCHEDULE' | 'ROTATION_SCHEDULE' | 'CHANGE_FEED_SCHEDULE'): string =>
    reader.optional(name) ?? table[name].fallback;
  return {
    cleanUpIdentities: or('IDENTITY_CLEANUP_SCHEDULE'),
    rotateSecrets: or('ROTATION_SCHEDULE'),
    pullChangeFeed: or('CHANGE_FEED_SCHEDULE'),
  };
}

function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null) frozen(part);
  }
  return Object.freeze(value);
}
