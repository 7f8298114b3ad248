// What a target remembers between runs: mint intents, a rejection, adopted keys, the last survey, obstacle and report.
import type { ContainerClient } from '@azure/storage-blob';
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.ts';
import { rotationIntentKeptMs } from '../platform/limits.ts';
import { StateDocuments, UnreadableDocument, type Stored } from '../platform/stateDocuments.ts';
import type { Memory } from './observation.ts';
import { reportShape } from './report.ts';
import type { Target } from './target.ts';

const newestSchema = 1;
const documentShape = z.object({
  schema: z.literal(newestSchema),
  intents: z.array(z.object({ displayName: z.string(), time: z.number(), published: z.boolean() })),
  rejection: z.optional(z.object({ versionId: z.string(), time: z.number() })),
  adopted: z.array(z.string()),
  knownKeys: z.optional(z.array(z.string())),
  survey: z.optional(
    z.object({
      time: z.number(),
      principalId: z.optional(z.string()),
      mayChange: z.optional(z.enum(['every', 'owned', 'none'])),
      isOwner: z.optional(z.boolean()),
      federatedCredentials: z.optional(z.number()),
      principalSecrets: z.optional(z.readonly(z.array(z.object({ keyId: z.string(), endsAt: z.number() })))),
    }),
  ),
  obstacle: z.optional(
    z.object({
      code: z.string(),
      time: z.number(),
      versionId: z.optional(z.string()),
      settings: z.string(),
    }),
  ),
  lastReport: z.optional(reportShape),
});
export type RotationState = z.infer<typeof documentShape>;

const fresh: RotationState = { schema: newestSchema, intents: [], adopted: [] };

/** `rotation/<appId>/<target id>.json`: all deployments that serve the target must share it. */
export function statePath({ client, id }: Target): string {
  return `rotation/${client.appId.toLowerCase()}/${id}.json`;
}

export function leasePath(appId: string): string {
  return `rotation/${appId.toLowerCase()}/lease`;
}

/** One target's document, written only over the version that was read. */
export class TargetState {
  readonly #documents: StateDocuments;
  readonly #path: string;
  #stored: Stored<RotationState> | undefined;

  private constructor(documents: StateDocuments, path: string, stored: Stored<RotationState> | undefined) {
    this.#documents = documents;
    this.#path = path;
    this.#stored = stored;
  }

  /** Throws `UnreadableDocument` for a newer or damaged document, `upstream_failed` where the storage fails. */
  static async open(container: ContainerClient, target: Target): Promise<TargetState> {
    const documents = new StateDocuments(container);
    const path = statePath(target);
    return new TargetState(
      documents,
      path,
      await usable(() => documents.read(path, newestSchema, documentShape)),
    );
  }

  get value(): RotationState {
    return this.#stored?.value ?? fresh;
  }

  get memory(): Memory {
    return this.value;
  }

  /** Compare-and-swap. Throws `conflict` when another run wrote in between. */
  async save(change: Partial<RotationState>): Promise<void> {
    const value: RotationState = { ...this.value, ...change, schema: newestSchema };
    const stored = this.#stored;
    const condition = stored ? { kind: 'etag' as const, etag: stored.etag } : { kind: 'absent' as const };
    const etag = await usable(() => this.#documents.write(this.#path, value, condition));
    this.#stored = { value, etag };
  }
}

/** Intents that still say something: recent ones, and those whose credential still exists. */
export function keptIntents(
  intents: RotationState['intents'],
  existing: ReadonlySet<string | undefined>,
  now: number,
): RotationState['intents'] {
  return intents.filter(
    ({ displayName, time }) => time > now - rotationIntentKeptMs || existing.has(displayName),
  );
}

async function usable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError || cause instanceof UnreadableDocument) throw cause;
    throw new AppError('upstream_failed', 'The state of the rotation could not be read or written.', {
      cause,
    });
  }
}
