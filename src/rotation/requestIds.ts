// The ids under which Microsoft's support finds a request again: taken from answers, kept for the report, never anything else.
import * as z from 'zod/mini';
import type { ProbeIds } from './tokenProbe.ts';

export const requestIdsShape = z.object({
  /** Graph's `request-id` of the mint, and of each removal. */
  mint: z.optional(z.string()),
  removals: z.optional(z.array(z.string())),
  /** Key Vault's `x-ms-request-id` of the last publish. */
  publish: z.optional(z.string()),
  /** Of the answer that ended the run, Graph's or Key Vault's. */
  failed: z.optional(z.string()),
  /** Entra's, of the last token request that proved nothing. */
  probeTrace: z.optional(z.string()),
  probeCorrelation: z.optional(z.string()),
});
export type RequestIds = z.infer<typeof requestIdsShape>;

/** Those of a token request that proved nothing, as the report names them. */
export function probeIds({ trace, correlation }: ProbeIds = {}): RequestIds {
  return { probeTrace: trace, probeCorrelation: correlation };
}

/** Undefined for what does not look like an id: a proxy may put anything into a header. */
export function requestIdIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f-]{8,64}$/i.test(value) ? value : undefined;
}

/** An upstream's refusal, reduced to its status, its code and its request id. */
export class UpstreamAnswer extends Error {
  override readonly name = 'UpstreamAnswer';
  readonly requestId: string | undefined;

  constructor(text: string, requestId: string | undefined) {
    super(`${text} (request id ${requestId ?? 'none'})`);
    this.requestId = requestId;
  }
}

/** The request id of the answer that lies underneath an error. */
export function requestIdUnder(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof UpstreamAnswer) return at.requestId;
  return undefined;
}
