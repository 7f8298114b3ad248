// Loads a folder of the source as it is, or with some of its rules taken out, side by side in one process.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Edit {
  /** In the folder. */
  readonly file: string;
  /** Occurs exactly once. */
  readonly text: string;
  readonly becomes: string;
}

export interface Variants {
  /** What the modules `files` export, all together. Throws when the text of an edit is not there exactly once. */
  load(files: readonly string[], edits?: readonly Edit[]): Promise<object>;
}

/** `folder` ends with a slash. What its modules import from elsewhere is shared by all variants. */
export function variantsOf(folder: URL): Variants {
  const base = folder.href;
  const variants = new Map<string, readonly Edit[]>();
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const { search } = new URL(context.parentURL ?? base);
      const inside = found.url.startsWith(base) && !found.url.includes('?');
      return inside && variants.has(search) ? { ...found, url: found.url + search } : found;
    },
    load(url, context, next) {
      const { search } = new URL(url);
      const edits = url.startsWith(base) ? variants.get(search) : undefined;
      const loaded = next(url, context);
      return edits
        ? { ...loaded, source: edited(base, url.slice(base.length, -search.length), edits) }
        : loaded;
    },
  });
  return {
    async load(files, edits = []) {
      for (const { file } of edits) edited(base, file, edits);
      const search = edits.length === 0 ? '' : `?variant=${variants.size}`;
      if (search !== '') variants.set(search, edits);
      const modules = await Promise.all(
        files.map((file): Promise<object> => import(`${base}${file}${search}`)),
      );
      return Object.assign({}, ...modules) as object;
    },
  };
}

function edited(base: string, file: string, edits: readonly Edit[]): string {
  let source = readFileSync(fileURLToPath(new URL(file, base)), 'utf8');
  for (const { text, becomes } of edits.filter((edit) => edit.file === file)) {
    const parts = source.split(text);
    if (parts.length !== 2)
      throw new Error(`${file} holds this ${parts.length - 1} times, not once: ${text}`);
    source = parts.join(becomes);
  }
  return source;
}
