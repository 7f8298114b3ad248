// Loads telemetry where the settings ask for it: OpenTelemetry lies in a bundle of its own, so that off costs nothing.
import { app } from '@azure/functions';
import { useInstrumenter } from '@azure/core-tracing';
import type { ProcessPlatform } from '../platform/processPlatform.ts';
import type { Section, TelemetrySettings } from '../platform/settings/types.ts';
import { noTelemetry, type ProcessTelemetry, type Telemetry } from '../platform/telemetry.ts';

export interface TelemetryFailures {
  /** There is none in this process. */
  readonly notLoaded: (error: unknown) => void;
  /** A place does not take what it is sent; for each at most once an hour. */
  readonly notSent: (place: string, error: unknown) => void;
}

type Parts = Pick<ProcessPlatform, 'clock' | 'uuid' | 'credential'>;

/** Telemetry that cannot be had is told, and the app serves without it. Throws nothing. */
export function startTelemetry(
  section: Section<TelemetrySettings>,
  parts: Parts,
  failures: TelemetryFailures,
): Telemetry {
  if (section.state !== 'on') return noTelemetry;
  let telemetry = noTelemetry;
  const loading = load(section.value, parts, failures).then((loaded) => {
    useInstrumenter(loaded.instrumenter);
    telemetry = loaded;
  }, failures.notLoaded);
  // The worker calls no function before this hook has ended.
  app.hook.appStart(() => loading);
  app.hook.appTerminate(() => telemetry.flush());
  return {
    invocation: (about, work, endOf) => telemetry.invocation(about, work, endOf),
    event: (name, fields) => {
      telemetry.event(name, fields);
    },
    flush: () => telemetry.flush(),
  };
}

async function load(
  settings: TelemetrySettings,
  { clock, uuid, credential }: Parts,
  { notSent }: TelemetryFailures,
): Promise<ProcessTelemetry> {
  const { createTelemetry } = await import('../telemetry/telemetry.ts');
  const signIn = settings.azureMonitor?.credential;
  return createTelemetry(settings, {
    ...{ clock, instance: uuid(), failed: notSent },
    credential: signIn && credential(signIn),
  });
}
