// The senders of traces and metrics, each kept from harming the app: bounded, apart from what runs, and heard of once an hour.
import type { TokenCredential } from '@azure/core-auth';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { AggregationTemporality, InstrumentType, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { telemetryExportTimeoutMs } from '../platform/limits.ts';
import type { TelemetrySettings } from '../platform/settings/types.ts';

export interface Exporters {
  readonly traces: readonly SpanExporter[];
  readonly metrics: readonly PushMetricExporter[];
}

export interface ExporterParts {
  /** For Azure Monitor, where it asks for a sign-in. */
  readonly credential: TokenCredential | undefined;
  /** Runs `send` so that it belongs to no invocation. */
  readonly apart: (send: () => void) => void;
  /** Told of each failure to send, with the place that did not take it. */
  readonly failed: (place: string, error: unknown) => void;
}

export async function createExporters(
  { otlp, azureMonitor }: TelemetrySettings,
  parts: ExporterParts,
): Promise<Exporters> {
  const traces: SpanExporter[] = [];
  const metrics: PushMetricExporter[] = [];
  if (otlp) {
    const headers = Object.fromEntries(
      Object.entries(otlp.headers).map(([name, value]) => [name, value.reveal()]),
    );
    const common = { headers, timeoutMillis: telemetryExportTimeoutMs };
    const place = guarded('OTLP', parts);
    traces.push(place(new OTLPTraceExporter({ ...common, url: `${otlp.endpoint}/v1/traces` })));
    const url = `${otlp.endpoint}/v1/metrics`;
    const exporter = new OTLPMetricExporter({ ...common, url });
    metrics.push(place(Object.assign(exporter, { selectAggregationTemporality })));
  }
  if (azureMonitor) {
    const { createAzureMonitor } = await import('./azureMonitor.ts');
    const name = 'Azure Monitor';
    const exporters = createAzureMonitor(azureMonitor, parts.credential, (error) => {
      parts.failed(name, error);
    });
    const place = guarded(name, parts);
    traces.push(place(exporters.traces));
    metrics.push(place(exporters.metrics));
  }
  return { traces, metrics };
}

/**
 * Sums since the process began, as Prometheus wants them. A gauge is sent only when it was measured: a process that lives on
 * would else repeat what it saw in its last run for ever, beside the process that knows better.
 */
function selectAggregationTemporality(kind: InstrumentType): AggregationTemporality {
  return kind === InstrumentType.GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}

interface Sender<T> {
  /** Some answer with a promise, though it is not in their type. */
  export(items: T, done: (result: ExportResult) => void): unknown;
}

/** Whatever an exporter does, throwing and rejecting included, ends in one result; Azure Monitor's answers twice (measured). */
export function guarded(place: string, { apart, failed }: Pick<ExporterParts, 'apart' | 'failed'>) {
  return <T, E extends Sender<T>>(exporter: E & Sender<T>): E => {
    const send = exporter.export.bind(exporter);
    const own = (items: T, done: (result: ExportResult) => void): void => {
      let ended = false;
      const end = (result: ExportResult): void => {
        if (ended) return;
        ended = true;
        if (result.code !== ExportResultCode.SUCCESS) failed(place, result.error);
        done(result);
      };
      const attempt = async (): Promise<void> => {
        try {
          await send(items, end);
        } catch (error) {
          end({
            code: ExportResultCode.FAILED,
            error: error instanceof Error ? error : new Error('unknown'),
          });
        }
      };
      apart(() => void attempt());
    };
    return Object.assign(exporter, { export: own });
  };
}
