// The entry of the bundle and the composition root: reads the environment once and registers what is configured.
import { app } from '@azure/functions';
import { randomUUID } from 'node:crypto';
import { createChangeFeed } from '../changeFeed/changeFeed.ts';
import { createCommunication } from '../communication/communication.ts';
import { createCallers, type Callers } from '../platform/caller.ts';
import { systemClock } from '../platform/clock.ts';
import { dependenciesOf } from '../platform/dependencies.ts';
import { HealthBoard } from '../platform/health.ts';
import { headline } from '../platform/log.ts';
import { createPlatform } from '../platform/processPlatform.ts';
import { watchRequests } from '../platform/requestWatch.ts';
import { parseSettings } from '../platform/settings/settings.ts';
import type { CallerSettings, OperationsSettings, Section } from '../platform/settings/types.ts';
import { once } from '../platform/once.ts';
import { createRotation } from '../rotation/rotation.ts';
import { cancelReplay } from './cancelReplay.ts';
import { cleanUpIdentities } from './cleanUpIdentities.ts';
import type { AppContext, Part } from './context.ts';
import { eraseIdentity } from './eraseIdentity.ts';
import { eraseUser } from './eraseUser.ts';
import { exchangeTeamsToken } from './exchangeTeamsToken.ts';
import { getChangeFeed } from './getChangeFeed.ts';
import { getIdentity } from './getIdentity.ts';
import { getReplay } from './getReplay.ts';
import { getRotations } from './getRotations.ts';
import { getUser } from './getUser.ts';
import { health as healthRoute } from './health.ts';
import { healthDetails } from './healthDetails.ts';
import { issueToken } from './issueToken.ts';
import { issueUserToken } from './issueUserToken.ts';
import { pullChangeFeed } from './pullChangeFeed.ts';
import { redriveDeadLetters } from './redriveDeadLetters.ts';
import { revokeTokens } from './revokeTokens.ts';
import { revokeUserTokens } from './revokeUserTokens.ts';
import { rotateSecrets } from './rotateSecrets.ts';
import { runChangeFeed } from './runChangeFeed.ts';
import { runRotation } from './runRotation.ts';
import { setCursor } from './setCursor.ts';
import { setUserAccess } from './setUserAccess.ts';
import { startReplay } from './startReplay.ts';
import { reportSettings, telemetryFailures } from './startUp.ts';
import { startTelemetry } from './telemetry.ts';

const functions = [
  ...[healthRoute, healthDetails],
  ...[issueToken, revokeTokens, getIdentity, eraseIdentity, exchangeTeamsToken],
  ...[issueUserToken, revokeUserTokens, getUser, setUserAccess, eraseUser, cleanUpIdentities],
  ...[getRotations, runRotation, rotateSecrets],
  ...[getChangeFeed, runChangeFeed, setCursor, redriveDeadLetters, pullChangeFeed],
  ...[startReplay, getReplay, cancelReplay],
];

function compose(): AppContext {
  const settings = parseSettings(process.env);
  const stop = new AbortController();
  app.hook.appTerminate(() => {
    stop.abort(new Error('the process is shutting down'));
  });
  const platform = createPlatform(systemClock, randomUUID, (identity, error) => {
    health.dependencies.noteSignIn(identity, error);
  });
  const health = new HealthBoard(systemClock, dependenciesOf(settings, platform));
  watchRequests(health.dependencies);
  const callersOf = (believed: CallerSettings | undefined): (() => Callers) =>
    once(() => createCallers(believed, platform.issuerKeys, systemClock));
  const part = <S extends { readonly callers?: CallerSettings | undefined }, T>(
    section: Section<S>,
    make: (value: S) => T,
  ): Section<Part<S, T>> => {
    if (section.state !== 'on') return section;
    const value = section.value;
    return {
      state: 'on',
      value: { settings: value, service: once(() => make(value)), callers: callersOf(value.callers) },
    };
  };
  return {
    settings,
    clock: systemClock,
    shutdown: stop.signal,
    health,
    telemetry: startTelemetry(settings.telemetry, platform, telemetryFailures(health)),
    operators: operatorsOf(settings.operations, callersOf),
    communication: part(settings.communication, (value) => createCommunication(value, platform)),
    rotation: part(settings.rotation, (value) => createRotation(value, platform)),
    changeFeed: part(settings.changeFeed, (value) => createChangeFeed(value, platform)),
  };
}

/** Who may see the details of the app's health. */
function operatorsOf(
  section: Section<OperationsSettings>,
  callersOf: (believed: CallerSettings | undefined) => () => Callers,
): AppContext['operators'] {
  if (section.state !== 'on') return section;
  const { role, callers } = section.value;
  return { state: 'on', value: { role, callers: callersOf(callers) } };
}

/** Nothing may throw while the app loads: the host would say Running and answer 404 everywhere (measured). */
function load(): void {
  try {
    const context = compose();
    reportSettings(context);
    for (const register of functions) register(context);
  } catch (error) {
    console.error(JSON.stringify({ event: 'load_failed', error: headline(error) }));
  }
}

load();
