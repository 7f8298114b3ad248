// Loads the token service as it is, or with one rule taken out of it.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { compose } from '../../../src/communication/communication.ts';
import type { createIdentityTable } from '../../../src/communication/identityTable.ts';
import type { createOutboxTable } from '../../../src/communication/outboxTable.ts';

export interface Source {
  readonly compose: typeof compose;
  readonly createIdentityTable: typeof createIdentityTable;
  readonly createOutboxTable: typeof createOutboxTable;
}

export interface Edit {
  /** In `src/communication`. */
  readonly file: string;
  /** Occurs exactly once. */
  readonly text: string;
  readonly becomes: string;
}

const folder = new URL('../../../src/communication/', import.meta.url).href;
const variants = new Map<string, readonly Edit[]>();

function edited(file: string, edits: readonly Edit[]): string {
  let source = readFileSync(fileURLToPath(new URL(file, folder)), 'utf8');
  for (const { text, becomes } of edits.filter((edit) => edit.file === file)) {
    const parts = source.split(text);
    if (parts.length !== 2)
      throw new Error(`${file} holds this ${parts.length - 1} times, not once: ${text}`);
    source = parts.join(becomes);
  }
  return source;
}

// Each variant is a copy of the folder's modules under addresses of its own; what they import from elsewhere is shared.
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const variant = new URL(context.parentURL ?? folder).search;
    const inside = found.url.startsWith(folder) && !found.url.includes('?');
    return inside && variants.has(variant) ? { ...found, url: found.url + variant } : found;
  },
  load(url, context, next) {
    const { search, href } = new URL(url);
    const edits = href.startsWith(folder) ? variants.get(search) : undefined;
    const loaded = next(url, context);
    if (!edits) return loaded;
    const file = href.slice(folder.length, -search.length);
    return { ...loaded, source: edited(file, edits) };
  },
});

async function load(search: string): Promise<Source> {
  const module = async (file: string): Promise<unknown> => import(`${folder}${file}${search}`);
  const modules = await Promise.all(['communication.ts', 'identityTable.ts', 'outboxTable.ts'].map(module));
  return Object.assign({}, ...modules) as Source;
}

export function original(): Promise<Source> {
  return load('');
}

/** Throws when a text is not there exactly once. */
export function without(edits: readonly Edit[]): Promise<Source> {
  for (const { file } of edits) edited(file, edits);
  const search = `?variant=${variants.size}`;
  variants.set(search, edits);
  return load(search);
}
