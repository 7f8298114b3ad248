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

/** For tests that are to see a variant. */
export interface Beside {
  /** Their folder, ending with a slash: what it holds is loaded anew for each variant, even for the one without edits. */
  readonly tests: URL;
  /** What they get in place of the test runner. */
  readonly runner: URL;
}

/** `folder` ends with a slash. What its modules import from elsewhere is shared by all variants. */
export function variantsOf(folder: URL, beside?: Beside): Variants {
  const base = folder.href;
  const variants = new Map<string, readonly Edit[]>();
  const anew = [base, ...(beside ? [beside.tests.href] : [])];
  registerHooks({
    resolve(specifier, context, next) {
      const { search } = new URL(context.parentURL ?? base);
      if (!variants.has(search)) return next(specifier, context);
      const found = next(specifier === 'node:test' && beside ? beside.runner.href : specifier, context);
      const inside = anew.some((start) => found.url.startsWith(start)) && !found.url.includes('?');
      return inside ? { ...found, url: found.url + search } : found;
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
      const search = edits.length === 0 && !beside ? '' : `?variant=${variants.size}`;
      if (search !== '') variants.set(search, edits);
      const modules = await Promise.all(
        files.map((file): Promise<object> => import(new URL(file, base).href + search)),
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
