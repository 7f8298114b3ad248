// Turns what the Azure SDK and the app's own requests tell of themselves into spans: what is on a short list, nothing else.
import type { Instrumenter, InstrumenterSpanOptions, TracingSpan } from '@azure/core-tracing';
import {
  createContextKey,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { AsyncLocalStorage } from 'node:async_hooks';
import { tracedPackage, type UpstreamService } from '../platform/telemetry.ts';

export interface InstrumenterParts {
  readonly tracer: Tracer;
  /** The span that what runs now belongs to; nothing outside an invocation. */
  readonly current: AsyncLocalStorage<Context | undefined>;
  /** Told of each try that was answered. */
  readonly answered: (service: UpstreamService, status: number) => void;
}

/** One operation on an upstream, with the tries that it takes. */
interface Operation {
  readonly service: UpstreamService;
  readonly name: string;
  /** Tries of the same request share an id. */
  readonly tries: Map<string, number>;
  /** What the caller had tried before. */
  readonly before: number;
}

const operationKey = createContextKey('operation');

/** The SDK's packages that make operations; a span of any other one is none of its own. */
const services: ReadonlyMap<string, UpstreamService> = new Map([
  ['@azure/communication-identity', 'acs'],
  ['@azure/keyvault-secrets', 'keyVault'],
  ['@azure/storage-blob', 'blob'],
  ['@azure/storage-queue', 'queue'],
  ['@azure/data-tables', 'table'],
  ['@azure/identity', 'identity'],
]);

export function createInstrumenter({ tracer, current, answered }: InstrumenterParts): Instrumenter {
  return {
    // Nobody behind the app is part of its trace: no header of ours goes out.
    createRequestHeaders: () => ({}),
    parseTraceparentHeader: () => undefined,
    withContext: (context, callback, ...args) => current.run(context, callback, ...args),
    startSpan(name, options) {
      const parent = options.tracingContext ?? current.getStore();
      if (!parent || !trace.getSpan(parent)) return { span: silent, tracingContext: ROOT_CONTEXT };
      if (options.spanKind === 'client') return startTry({ tracer, answered }, parent, options);
      const operation = operationOf(name, options);
      // A step on the way of an operation that is shown already.
      const outer = parent.getValue(operationKey);
      if (isOperation(outer) && outer.service === operation?.service)
        return { span: silent, tracingContext: parent };
      if (!operation) return { span: silent, tracingContext: parent };
      const { service } = operation;
      const attributes = { 'telehealth.service': service, 'telehealth.operation': operation.name };
      const span = tracer.startSpan(`${service} ${operation.name}`, { attributes }, parent);
      const context = trace.setSpan(parent, span).setValue(operationKey, operation);
      return { span: recorded(span), tracingContext: context };
    },
  };
}

function startTry(
  { tracer, answered }: Pick<InstrumenterParts, 'tracer' | 'answered'>,
  parent: Context,
  options: InstrumenterSpanOptions,
): ReturnType<Instrumenter['startSpan']> {
  const operation = parent.getValue(operationKey);
  if (!isOperation(operation)) return { span: silent, tracingContext: parent };
  const { service, name, tries, before } = operation;
  const { requestId, 'http.method': method } = options.spanAttributes ?? {};
  const id = String(requestId);
  const attempt = (tries.get(id) ?? 0) + 1;
  tries.set(id, attempt);
  const attributes = {
    ...{ 'telehealth.service': service, 'telehealth.operation': name },
    ...{ 'telehealth.attempt': attempt + before, 'peer.service': service },
    'http.request.method': String(method),
  };
  const span = tracer.startSpan(`${service} ${name} try`, { kind: SpanKind.CLIENT, attributes }, parent);
  const noted = recorded(span, (status) => {
    answered(service, status);
  });
  return { span: noted, tracingContext: trace.setSpan(parent, span) };
}

function operationOf(name: string, options: InstrumenterSpanOptions): Operation | undefined {
  const { packageName, spanAttributes = {} } = options;
  const own = packageName === tracedPackage ? /^(\w+) (\w+)$/.exec(name) : undefined;
  const service = own ? ownService(own[1]) : services.get(packageName);
  const operation = own ? own[2] : sdkOperation(name);
  if (service === undefined || operation === undefined) return undefined;
  const attempt = Number(spanAttributes['attempt'] ?? 1);
  return { service, name: operation, tries: new Map(), before: attempt - 1 };
}

const ownServices: readonly UpstreamService[] = ['acs', 'graph', 'entra', 'dicom', 'webhook', 'issuer'];

function ownService(name: string | undefined): UpstreamService | undefined {
  return ownServices.find((service) => service === name);
}

/** Such as `SecretClient.getSecret` and `BlobClient-download`. */
function sdkOperation(name: string): string | undefined {
  return /^\w+[.-](\w+)$/.exec(name)?.[1];
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'tries' in value;
}

const silent: TracingSpan = {
  isRecording: () => false,
  setStatus: () => undefined,
  setAttribute: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/** Lets through a status, a request id and the code of an error; messages and everything else may hold a URL or a body. */
function recorded(span: Span, answered?: (status: number) => void): TracingSpan {
  return {
    // Also where the host samples the trace away: what is counted is counted all the same.
    isRecording: () => true,
    recordException: () => undefined,
    setAttribute(name, value) {
      if (name === 'http.status_code' && typeof value === 'number') {
        span.setAttribute('http.response.status_code', value);
        answered?.(value);
        if (value >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
      }
      if (name === 'serviceRequestId' && isRequestId(value))
        span.setAttribute('telehealth.upstream_request_id', value);
    },
    setStatus(status) {
      if (status.status !== 'error') return;
      span.setStatus({ code: SpanStatusCode.ERROR });
      const code = codeOf(status.error);
      if (code !== undefined) span.setAttribute('error.type', code);
    },
    end() {
      span.end();
    },
  };
}

/** A GUID, or the `MS-CV` of ACS: an upstream, or a proxy before it, may put anything into a header. */
function isRequestId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[A-Za-z0-9+/]{16,22}={0,2}(?:\.\d{1,4}){1,5})$/i.test(
      value,
    )
  );
}

/** Such as `BlobNotFound`, `ECONNRESET` and `AbortError`. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return [code, error.name].find(
    (word): word is string => typeof word === 'string' && /^[A-Z][A-Za-z_0-9]{2,60}$/.test(word),
  );
}
