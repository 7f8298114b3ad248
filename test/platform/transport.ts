// A transport for the SDKs' pipelines that answers from a function and keeps what it was asked.
import {
  createHttpHeaders,
  RestError,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { Readable } from 'node:stream';

export interface Scripted {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export class FakeTransport implements HttpClient {
  readonly requests: PipelineRequest[] = [];
  /** Bodies that were handed out; every one must have been read or destroyed in the end. */
  readonly bodies: Readable[] = [];
  readonly #answer: (request: PipelineRequest, number: number) => Promise<Scripted>;

  constructor(answer: (request: PipelineRequest, number: number) => Promise<Scripted>) {
    this.#answer = answer;
  }

  async sendRequest(request: PipelineRequest): Promise<PipelineResponse> {
    // As the pipeline's own transport: nothing is sent for who has given up.
    if (request.abortSignal?.aborted) throw new Error('aborted');
    this.requests.push(request);
    const { status, headers = {}, body = '' } = await this.#answer(request, this.requests.length);
    const readableStreamBody = typeof body === 'string' ? Readable.from([Buffer.from(body)]) : body;
    this.bodies.push(readableStreamBody);
    return { request, status, headers: createHttpHeaders({ ...headers }), readableStreamBody };
  }
}

/** A connection that breaks, as the pipeline's own transport reports it. */
export function broken(request: PipelineRequest, code = 'ECONNRESET'): RestError {
  return new RestError('socket hang up', { code, request });
}
