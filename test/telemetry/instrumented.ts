// An instrumenter whose spans and answers are kept, and invocations and tries to tell it of.
import { createTracingClient, useInstrumenter, type TracingClient } from '@azure/core-tracing';
import { ROOT_CONTEXT, trace, TraceFlags, type Context } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach } from 'node:test';
import { createInstrumenter } from '../../src/telemetry/instrumenter.ts';

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const tracer = provider.getTracer('test');
const current = new AsyncLocalStorage<Context | undefined>();
export const answers: string[] = [];
export const instrumenter = createInstrumenter({
  ...{ tracer, current },
  answered: (service, status) => void answers.push(`${service} ${status}`),
});
useInstrumenter(instrumenter);
beforeEach(() => {
  exporter.reset();
  answers.length = 0;
});

export const packages = {
  vault: createTracingClient({ namespace: 'Microsoft.KeyVault', packageName: '@azure/keyvault-secrets' }),
  pipeline: createTracingClient({ namespace: '', packageName: '@azure/core-rest-pipeline' }),
  other: createTracingClient({ namespace: '', packageName: '@azure/core-client' }),
};

/** Runs `work` as an invocation would. */
export function invoked<T>(work: () => T, flags = TraceFlags.SAMPLED): T {
  const parent = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: flags, isRemote: true };
  return current.run(trace.setSpanContext(ROOT_CONTEXT, parent), work);
}

/** One try as the pipeline of the SDK tells it. */
export function tried(
  requestId: string,
  told: Readonly<Record<string, unknown>>,
  client: TracingClient = packages.pipeline,
): void {
  const { span } = client.startSpan(
    'HTTP GET',
    {},
    {
      spanKind: 'client',
      spanAttributes: {
        ...{ 'http.url': 'https://canary.example/?sig=canary', 'http.method': 'GET' },
        ...{ 'http.user_agent': 'canary', requestId },
      },
    },
  );
  // As the pipeline does: nothing more is told to who does not record.
  if (!span.isRecording()) return;
  for (const [name, value] of Object.entries(told)) span.setAttribute(name, value);
  span.addEvent?.('canary');
  span.end();
}

export const spans = () => exporter.getFinishedSpans();
export const shown = () =>
  JSON.stringify(spans().map(({ name, attributes, status, events }) => [name, attributes, status, events]));
