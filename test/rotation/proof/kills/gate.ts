// The one way of a process to everything outside it: counts its requests, and lets it stop for ever at one of them.
import { BlobServiceClient, newPipeline } from '@azure/storage-blob';
import {
  createDefaultHttpClient,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import type { Asked } from '../../../support/doors.ts';
import type { Storage } from '../../../../src/platform/storage.ts';

/** At the how many-th request, from 1, and whether it still has its effect. */
export interface Blow {
  readonly at: number;
  readonly fate: 'before' | 'after';
}

const real = createDefaultHttpClient();

export class Gate implements HttpClient {
  readonly requests: string[] = [];
  /** The requests that changed something. */
  readonly effects: string[] = [];
  /** Resolves when the process has stopped. */
  readonly struck: Promise<'struck'>;
  stopped = false;
  readonly #blow: Blow | undefined;
  readonly #strike: (word: 'struck') => void;

  constructor(blow?: Blow) {
    const { promise, resolve } = Promise.withResolvers<'struck'>();
    this.#blow = blow;
    this.struck = promise;
    this.#strike = resolve;
  }

  sendRequest(request: PipelineRequest): Promise<PipelineResponse> {
    return this.#pass(request, () => real.sendRequest(request));
  }

  storage(connectionString: string): Storage {
    const blobs = BlobServiceClient.fromConnectionString(connectionString);
    const pipeline = newPipeline(blobs.credential);
    pipeline.factories.push({
      create: (next) => ({
        sendRequest: (request) => this.#pass(request, () => next.sendRequest(request)),
      }),
    });
    const gated = new BlobServiceClient(blobs.url, pipeline);
    const none = (): never => {
      throw new Error('the rotation keeps its state in blobs');
    };
    return { container: (name) => gated.getContainerClient(name), table: none, queue: none };
  }

  async #pass<T extends { readonly status: number }>(request: Asked, send: () => Promise<T>): Promise<T> {
    const name = nameOf(request);
    this.requests.push(name);
    const fate = this.requests.length === this.#blow?.at ? this.#blow.fate : undefined;
    if (fate === 'before') await this.stop();
    if (this.stopped) await this.never();
    try {
      const response = await send();
      if (changes(request, response.status)) this.effects.push(name);
      return response;
    } finally {
      if (fate === 'after') await this.stop();
      // Nothing that comes back after the end is heard of.
      if (this.stopped) await this.never();
    }
  }

  async stop(): Promise<never> {
    this.stopped = true;
    this.#strike('struck');
    return this.never();
  }

  never(): Promise<never> {
    return new Promise(() => undefined);
  }
}

/** Without what differs from run to run. */
export function nameOf({ method, url }: Asked): string {
  const { pathname, searchParams } = new URL(url);
  const last = pathname.replace(/\/$/, '').split('/').at(-1) ?? '';
  const short = last
    .replace(/^\d{4}-.*Z-[0-9a-f-]{36}-/, 'audit ')
    .replace(/[0-9a-f]{32}|[0-9a-f]{12}(?=\.json)|\(appId='[^']*'\)/, '…')
    .replace(/secret-[0-9a-f]{8}/, 'secret');
  return [method, short, searchParams.get('comp') ?? ''].join(' ').trimEnd();
}

/** Leases end by themselves and token requests leave nothing behind. */
export function changes({ method, url }: Asked, status: number): boolean {
  return method !== 'GET' && method !== 'HEAD' && status < 300 && !/\/token$|comp=lease/.test(url);
}
