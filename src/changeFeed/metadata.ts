// Keeps of an instance's metadata what the settings ask for: nothing by default, because it is health data.
import { AppError } from '../platform/errors.ts';
import type { MetadataChoice } from '../platform/settings/types.ts';
import type { DicomJson } from './entry.ts';
import { tagOfKeyword } from './keywords.ts';

/**
 * The choice with every name turned into an upper-case tag. Throws `misconfigured` naming the keywords that have no entry
 * in our dictionary: dropping them in silence would look like attributes that the files lack.
 */
export function resolveMetadata(choice: MetadataChoice): MetadataChoice {
  if (choice.kind !== 'selected') return choice;
  const unknown = choice.names.filter((name) => tagOf(name) === undefined);
  if (unknown.length > 0) {
    throw new AppError(
      'misconfigured',
      `CHANGE_FEED_METADATA: no keyword known here: ${unknown.join(', ')}; expected the eight-digit tag instead`,
    );
  }
  return { kind: 'selected', names: choice.names.flatMap((name) => tagOf(name) ?? []) };
}

function tagOf(name: string): string | undefined {
  return /^[0-9A-F]{8}$/i.test(name) ? name.toUpperCase() : tagOfKeyword.get(name);
}

/** Top-level attributes only, sequences whole. `choice` as `resolveMetadata` answers it. */
export function project(metadata: DicomJson | undefined, choice: MetadataChoice): DicomJson | undefined {
  if (metadata === undefined || choice.kind === 'none') return undefined;
  if (choice.kind === 'full') return metadata;
  const kept = new Set(choice.names);
  return Object.fromEntries(Object.entries(metadata).filter(([tag]) => kept.has(tag.toUpperCase())));
}
