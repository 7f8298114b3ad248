// The entry of the second bundle, which is loaded only where telemetry is on: OpenTelemetry's tracer, meters and senders.
import type { TokenCredential } from '@azure/core-auth';
import {
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../platform/clock.ts';
import {
  telemetryExportTimeoutMs,
  telemetryFlushMs,
  telemetryIntervalMs,
  telemetryLogMs,
  telemetryQueuedSpans,
} from '../platform/limits.ts';
import type { TelemetrySettings } from '../platform/settings/types.ts';
import type { Invocation, InvocationEnd, ProcessTelemetry, UpstreamService } from '../platform/telemetry.ts';
import { version } from '../platform/version.ts';
import { createExporters, type Exporters } from './exporters.ts';
import { createInstrumenter } from './instrumenter.ts';
import { createMeters, type Recorder } from './meters.ts';
import { metricsOf, metricsOfAnswer, metricsOfEnd } from './metricsOf.ts';

export interface TelemetryParts {
  readonly clock: Clock;
  /** Names this process among those of the app. */
  readonly instance: string;
  readonly credential: TokenCredential | undefined;
  /** Told that a place does not take what it is sent, for each at most once an hour. */
  readonly failed: (place: string, error: unknown) => void;
}

/** Contacts nothing before there is something to send. Rejects when a sender does not take its settings. */
export async function createTelemetry(
  settings: TelemetrySettings,
  parts: TelemetryParts,
): Promise<ProcessTelemetry> {
  const { clock, credential } = parts;
  const current = new AsyncLocalStorage<Context | undefined>();
  const exporters = await createExporters(settings, {
    credential,
    apart: (send) => {
      current.run(undefined, send);
    },
    failed: atMostHourly(clock, parts.failed),
  });
  const { tracer, record, send } = createProviders(settings.serviceName, parts.instance, exporters);
  const answered = (service: UpstreamService, status: number): void => {
    metricsOfAnswer(service, status).forEach(record);
  };
  return {
    instrumenter: createInstrumenter({ tracer, current, answered }),
    async invocation(about, work, endOf) {
      const parent = parentOf(about);
      const span = tracer.startSpan(nameOf(about), { attributes: attributesOf(about) }, parent);
      const begun = clock.monotonic();
      let end: InvocationEnd = { outcome: 'failed' };
      try {
        const result = await current.run(trace.setSpan(parent, span), work);
        end = endOf(result);
        return result;
      } finally {
        finish(span, end);
        metricsOfEnd(about, end, (clock.monotonic() - begun) / 1000).forEach(record);
      }
    },
    event: (name, fields) => {
      metricsOf(name, fields).forEach(record);
    },
    flush: () => bounded(clock, send()),
  };
}

const scope = 'telehealth-functions';

function createProviders(
  serviceName: string,
  instance: string,
  { traces, metrics }: Exporters,
): { readonly tracer: Tracer; readonly record: Recorder; readonly send: () => readonly Promise<void>[] } {
  const resource = resourceFromAttributes({
    'service.name': serviceName,
    'service.version': version,
    'service.instance.id': instance,
  });
  const tracerProvider = new TracerProvider({
    resource,
    // What the host samples away is none of ours to send.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: traces.map(
      (exporter) =>
        new BatchSpanProcessor({
          exporter,
          maxQueueSize: telemetryQueuedSpans,
          exportTimeoutMillis: telemetryExportTimeoutMs,
        }),
    ),
  });
  const meterProvider = new MeterProvider({
    resource,
    readers: metrics.map(
      (exporter) =>
        new PeriodicExportingMetricReader({
          exporter,
          exportIntervalMillis: telemetryIntervalMs,
          exportTimeoutMillis: telemetryExportTimeoutMs,
        }),
    ),
  });
  return {
    tracer: tracerProvider.getTracer(scope),
    record: createMeters(meterProvider.getMeter(scope)),
    send: () => [tracerProvider.forceFlush(), meterProvider.forceFlush()],
  };
}

/** The host's own span, where it has one. */
function parentOf({ traceParent }: Invocation): Context {
  const parent = traceParent ? parseTraceParent(traceParent) : null;
  return parent ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true }) : ROOT_CONTEXT;
}

function nameOf({ name, http }: Invocation): string {
  return http ? `${http.method} ${http.route}` : name;
}

function attributesOf({ name, requestId, http }: Invocation): Readonly<Record<string, string>> {
  return {
    ...{ 'faas.name': name, 'faas.invocation_id': requestId, 'faas.trigger': http ? 'http' : 'timer' },
    ...(http ? { 'http.request.method': http.method, 'http.route': http.route } : {}),
  };
}

function finish(span: Span, { outcome, status }: InvocationEnd): void {
  span.setAttribute('telehealth.outcome', outcome);
  if (status !== undefined) span.setAttribute('http.response.status_code', status);
  if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Waits until all have ended, or the time is up; whoever has not ended goes on unheard. */
async function bounded(clock: Clock, sending: readonly Promise<void>[]): Promise<void> {
  const done = new AbortController();
  await Promise.race([Promise.allSettled(sending), clock.sleep(telemetryFlushMs, done.signal)]);
  done.abort();
}

function atMostHourly(clock: Clock, failed: TelemetryParts['failed']): TelemetryParts['failed'] {
  const told = new Map<string, number>();
  return (place, error) => {
    const last = told.get(place);
    if (last !== undefined && clock.monotonic() - last < telemetryLogMs) return;
    told.set(place, clock.monotonic());
    failed(place, error);
  };
}
