// Keeps of an instance's metadata what the settings ask for: nothing by default, because it is health data.
import type { MetadataChoice } from '../platform/settings/types.ts';
import type { DicomJson } from './entry.ts';

/** Top-level attributes only, sequences whole. */
export function project(metadata: DicomJson | undefined, choice: MetadataChoice): DicomJson | undefined {
  if (metadata === undefined || choice.kind === 'none') return undefined;
  if (choice.kind === 'full') return metadata;
  const kept = new Set(choice.tags);
  return Object.fromEntries(Object.entries(metadata).filter(([tag]) => kept.has(tag.toUpperCase())));
}
