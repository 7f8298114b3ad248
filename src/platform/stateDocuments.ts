// JSON documents with a schema in a blob container, read and written under ETags and leases.
import type { BlobRequestConditions, BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { AppError } from './errors.ts';
import { storageSilenceMs } from './limits.ts';
import { storageFailure, withCreate } from './storage.ts';

export interface Stored<T> {
  readonly value: T;
  readonly etag: string;
}

/** Under which condition a document is written: only where there is none, over a version that was read, or over whatever is there. */
export type WriteCondition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'etag'; readonly etag: string; readonly leaseId?: string }
  | { readonly kind: 'any'; readonly leaseId?: string };

/** A document that a newer release wrote, or that does not have its shape. Nothing may be guessed from it. */
export class UnreadableDocument extends Error {
  override readonly name = 'UnreadableDocument';
}

const envelope = z.looseObject({ schema: z.int() });

export class StateDocuments {
  readonly #container: ContainerClient;

  constructor(container: ContainerClient) {
    this.#container = container;
  }

  /**
   * The document at `path`, or undefined when there certainly is none (`BlobNotFound`, `ContainerNotFound`).
   * Throws `UnreadableDocument` for a `schema` above `newest` or an unexpected shape, and storage errors as they are; an
   * `AbortError` for a text that takes longer than `storageSilenceMs`.
   */
  async read<T>(path: string, newest: number, shape: z.ZodMiniType<T>): Promise<Stored<T> | undefined> {
    // The clients bound the wait for the head of an answer only (measured).
    const tooLong = new AbortController();
    try {
      const reply = await this.#blob(path).download(0, undefined, { abortSignal: tooLong.signal });
      const text = await collect(reply.readableStreamBody, tooLong);
      if (reply.etag === undefined) throw new UnreadableDocument(`${path} came without an ETag`);
      return { value: parseDocument(path, text, newest, shape), etag: reply.etag };
    } catch (error) {
      const { code } = storageFailure(error);
      if (code === 'BlobNotFound' || code === 'ContainerNotFound') return undefined;
      throw error;
    }
  }

  /**
   * Writes the document and answers its new ETag. Throws `conflict` when the condition did not hold.
   * A refusal or a lost reply is judged by reading who wrote last: the storage client sends a write again after a lost
   * reply, and is then refused for its own success (412, or 409 for a document that must be absent).
   */
  async write(path: string, value: { readonly schema: number }, condition: WriteCondition): Promise<string> {
    const blob = this.#blob(path);
    const writer = randomUUID();
    const body = JSON.stringify(value);
    const options = {
      conditions: conditionsOf(condition),
      metadata: { writer },
      blobHTTPHeaders: { blobContentType: 'application/json' },
    };
    try {
      const reply = await withCreate(
        () => this.#container.create(),
        () => blob.upload(body, Buffer.byteLength(body), options),
      );
      return etagOf(path, reply.etag);
    } catch (error) {
      const own = await this.#ownEtag(blob, writer);
      if (own !== undefined) return own;
      const { status } = storageFailure(error);
      if (status === 409 || status === 412) {
        throw new AppError('conflict', 'The state was changed by another run.', { cause: error });
      }
      throw error;
    }
  }

  async #ownEtag(blob: BlockBlobClient, writer: string): Promise<string | undefined> {
    try {
      const properties = await blob.getProperties();
      return properties.metadata?.['writer'] === writer ? properties.etag : undefined;
    } catch {
      return undefined;
    }
  }

  #blob(path: string): BlockBlobClient {
    return this.#container.getBlockBlobClient(path);
  }
}

function conditionsOf(condition: WriteCondition): BlobRequestConditions {
  switch (condition.kind) {
    case 'absent':
      return { ifNoneMatch: '*' };
    case 'etag':
      return {
        ifMatch: condition.etag,
        ...(condition.leaseId === undefined ? {} : { leaseId: condition.leaseId }),
      };
    case 'any':
      return condition.leaseId === undefined ? {} : { leaseId: condition.leaseId };
  }
}

function etagOf(path: string, etag: string | undefined): string {
  if (etag === undefined) throw new UnreadableDocument(`${path} was written but came back without an ETag`);
  return etag;
}

function parseDocument<T>(path: string, text: string, newest: number, shape: z.ZodMiniType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UnreadableDocument(`${path} is not JSON`, { cause });
  }
  const head = envelope.safeParse(json);
  if (!head.success) throw new UnreadableDocument(`${path} has no schema number`);
  if (head.data.schema > newest) {
    throw new UnreadableDocument(
      `${path} has schema ${head.data.schema}; this release reads up to ${newest}`,
    );
  }
  const parsed = shape.safeParse(json);
  if (!parsed.success) throw new UnreadableDocument(`${path} does not have the shape of its schema`);
  return parsed.data;
}

async function collect(stream: NodeJS.ReadableStream | undefined, tooLong: AbortController): Promise<string> {
  const timer = setTimeout(() => {
    tooLong.abort();
  }, storageSilenceMs);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    clearTimeout(timer);
  }
}
