// Makes the app's own requests show in traces as those of the Azure SDK do; next to nothing where nobody traces.
import { createTracingClient } from '@azure/core-tracing';
import type { PipelinePolicy, PipelineResponse } from '@azure/core-rest-pipeline';
import { tracedPackage, type UpstreamService } from './telemetry.ts';

const client = createTracingClient({ namespace: '', packageName: tracedPackage });

export interface TracedOperation {
  readonly service: UpstreamService;
  readonly operation: string;
  /** Which try this is where the caller itself repeats a request. */
  readonly attempt: number;
}

/** Runs `send` as one operation. */
export function traced<T>(
  { service, operation, attempt }: TracedOperation,
  send: () => Promise<T>,
): Promise<T> {
  return client.withSpan(`${service} ${operation}`, {}, send, { spanAttributes: { attempt } });
}

/**
 * A span for each try, with what its answer says of itself. The SDK's own policy would put the URL into it, and would need to
 * be told of the operation in the request, where the pipeline drops it (measured): it is found by where this runs.
 */
export function traceTries(): PipelinePolicy {
  return {
    name: 'traceTries',
    sendRequest: (request, next) =>
      client.withSpan(
        'try',
        {},
        async (_options, span) => {
          const response = await next(request);
          span.setAttribute('http.status_code', response.status);
          span.setAttribute('serviceRequestId', requestIdOf(response));
          return response;
        },
        {
          spanKind: 'client',
          spanAttributes: { requestId: request.requestId, 'http.method': request.method },
        },
      ),
  };
}

/** ACS names its requests in `MS-CV`, while the tracing of the SDK reads one header only. */
export function showRequestId(): PipelinePolicy {
  return {
    name: 'showRequestId',
    async sendRequest(request, next) {
      const response = await next(request);
      const id = requestIdOf(response);
      if (id !== undefined) response.headers.set('x-ms-request-id', id);
      return response;
    },
  };
}

function requestIdOf({ headers }: PipelineResponse): string | undefined {
  return headers.get('x-ms-request-id') ?? headers.get('request-id') ?? headers.get('ms-cv');
}
