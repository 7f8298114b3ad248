// The DICOM service's own scripted effects: late commits, gaps, corrupt or no metadata, and a feed that starts anew.
import * as z from 'zod/mini';
import { ownEffect } from '../effects.ts';
import type { OwnEffect } from '../kit.ts';
import type { Archive } from './archive.ts';

const positive = z.int().check(z.positive());
/** A number, or its digits where a JSON number would lose some. */
const int64 = z.union([
  positive,
  z.string().check(z.regex(/^[1-9]\d{0,18}$/, 'expected a positive integer')),
]);
/** Which service; the first one unless it is said. */
const host = z.optional(z.string());

const lateCommit = z.strictObject({
  lateCommit: z.strictObject({ sequences: positive, ms: positive }),
  host,
});
const gap = z.strictObject({ gap: int64, host });
const poison = z.strictObject({ poison: int64, host });
const metadataDown = z.strictObject({ metadataDown: z.literal(true), host });
const reset = z.strictObject({ reset: z.literal(true), host });

/** `archiveOf` throws `BadFault` for a host it does not know. */
export function dicomEffects(archiveOf: (host?: string) => Archive): Readonly<Record<string, OwnEffect>> {
  return {
    lateCommit: ownEffect(lateCommit, ({ lateCommit: { sequences, ms }, ...where }) =>
      archiveOf(where.host).feed.commitLate(sequences, ms),
    ),
    gap: ownEffect(gap, (effect) => {
      archiveOf(effect.host).feed.skip(BigInt(effect.gap));
      return done;
    }),
    poison: ownEffect(poison, (effect) => archiveOf(effect.host).poison(String(effect.poison))),
    metadataDown: ownEffect(metadataDown, (effect) => archiveOf(effect.host).loseMetadata()),
    reset: ownEffect(reset, (effect) => {
      archiveOf(effect.host).reset();
      return done;
    }),
  };
}

/** What has happened stays when the rule is taken away. */
function done(): void {
  return undefined;
}
