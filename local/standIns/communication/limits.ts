// How many requests ACS takes in thirty seconds, per operation.
import * as z from 'zod/mini';
import { ownEffect, Override } from '../effects.ts';
import type { Now, OwnEffect } from '../kit.ts';
import { refused } from './errors.ts';

/** Azure docs, service limits: requests in 30 s. */
const documented = {
  create: 1000,
  createWithToken: 1000,
  issue: 1000,
  revoke: 500,
  delete: 500,
  exchange: 500,
};
export type LimitedOperation = keyof typeof documented;

const windowMs = 30_000;
const limitEffect = z.strictObject({
  limit: z.strictObject({
    operation: z.enum(['create', 'createWithToken', 'issue', 'revoke', 'delete', 'exchange']),
    perWindow: z.int().check(z.nonnegative()),
    retryAfterSeconds: z.optional(z.int().check(z.positive())),
  }),
});
type Limit = z.infer<typeof limitEffect>['limit'];

export class Limits {
  readonly #now: Now;
  readonly #taken = new Map<LimitedOperation, number[]>();
  readonly #overrides = new Map<LimitedOperation, Override<Limit>>();

  constructor(now: Now) {
    this.#now = now;
  }

  /** `{"limit":{"operation","perWindow","retryAfterSeconds"?}}`: without the last a 429 carries no `Retry-After`, as in Azure. */
  readonly effect: OwnEffect = ownEffect(limitEffect, ({ limit }) => {
    const override = this.#overrides.get(limit.operation) ?? new Override<Limit>();
    this.#overrides.set(limit.operation, override);
    return override.set(limit);
  });

  /** Counts the request, refused ones too. Throws `CommunicationError` (429) above the limit. */
  take(operation: LimitedOperation): void {
    const now = this.#now();
    const recent = (this.#taken.get(operation) ?? []).filter((time) => time > now - windowMs);
    recent.push(now);
    this.#taken.set(operation, recent);
    const limit = this.#overrides.get(operation)?.current;
    if (recent.length > (limit?.perWindow ?? documented[operation]))
      throw refused.tooMany(limit?.retryAfterSeconds);
  }
}
