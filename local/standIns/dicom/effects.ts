// The DICOM service's own scripted effects: what its change feed does on bad days, and what a service may have switched on.
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
const poison = z.strictObject({ poison: int64, status: z.optional(z.literal([500, 424, 503])), host });
const metadataDown = z.strictObject({ metadataDown: z.literal(true), host });
const reset = z.strictObject({ reset: z.literal(true), host });
const earlyTime = z.strictObject({ earlyTime: z.strictObject({ statements: positive, ms: positive }), host });
const sameTime = z.strictObject({ sameTime: positive, host });
const action = z.strictObject({
  action: z.strictObject({ statements: positive, name: z.string().check(z.minLength(1)) }),
  host,
});
const documentedForm = z.strictObject({ documentedForm: z.literal(true), host });
const partitions = z.strictObject({ partitions: z.literal(true), host });
const externalStore = z.strictObject({ externalStore: z.literal(true), host });

/**
 * `{"lateCommit":{"sequences","ms"}}`, `{"gap":n}`, `{"poison":sequence,"status"?}`, `{"metadataDown":true}`, `{"reset":true}`,
 * `{"earlyTime":{"statements","ms"}}` (times that go back), `{"sameTime":statements}`, `{"action":{"statements","name"}}` (one
 * that nobody knows), `{"documentedForm":true}`, `{"partitions":true}`, `{"externalStore":true}` (entries with a file path).
 * `archiveOf` throws `BadFault` for a host it does not know.
 */
export function dicomEffects(archiveOf: (host?: string) => Archive): Readonly<Record<string, OwnEffect>> {
  return { ...feedEffects(archiveOf), ...serviceEffects(archiveOf) };
}

function feedEffects(archiveOf: (host?: string) => Archive): Readonly<Record<string, OwnEffect>> {
  return {
    lateCommit: ownEffect(lateCommit, ({ lateCommit: { sequences, ms }, ...where }) =>
      archiveOf(where.host).feed.commitLate(sequences, ms),
    ),
    gap: ownEffect(gap, (effect) => {
      archiveOf(effect.host).feed.skip(BigInt(effect.gap));
      return done;
    }),
    earlyTime: ownEffect(earlyTime, ({ earlyTime: { statements, ms }, ...where }) =>
      archiveOf(where.host).feed.beginEarly(statements, ms),
    ),
    sameTime: ownEffect(sameTime, (effect) => archiveOf(effect.host).feed.stopClock(effect.sameTime)),
    action: ownEffect(action, ({ action: { statements, name }, ...where }) =>
      archiveOf(where.host).feed.rename(statements, name),
    ),
    reset: ownEffect(reset, (effect) => {
      archiveOf(effect.host).reset();
      return done;
    }),
  };
}

function serviceEffects(archiveOf: (host?: string) => Archive): Readonly<Record<string, OwnEffect>> {
  return {
    poison: ownEffect(poison, ({ poison: sequence, status = 503, ...where }) =>
      archiveOf(where.host).poison(String(sequence), status),
    ),
    metadataDown: ownEffect(metadataDown, (effect) => archiveOf(effect.host).loseMetadata()),
    documentedForm: ownEffect(documentedForm, (effect) => archiveOf(effect.host).documentedForm.set(true)),
    partitions: ownEffect(partitions, (effect) => archiveOf(effect.host).partitions.set(true)),
    externalStore: ownEffect(externalStore, (effect) => archiveOf(effect.host).externalStore.set(true)),
  };
}

/** What has happened stays when the rule is taken away. */
function done(): void {
  return undefined;
}
