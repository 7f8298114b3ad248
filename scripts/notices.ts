// The licences of what is inside the bundle, as they must go along with it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { root } from './bundle.ts';

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  author: z.optional(z.union([z.string(), z.object({ name: z.string() })])),
});
type Manifest = z.infer<typeof manifest>;

/** Packages, as folders from the root, that the inputs of a bundle belong to; in order, each once. */
export function packagesOf(inputs: readonly string[]): readonly string[] {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(folders)].sort();
}

/** Throws for a package whose licence has no text to pass on. */
export function noticesOf(inputs: readonly string[]): string {
  const head =
    'This app is bundled with the packages below, each under the licence that follows its name.\n' +
    'They are in the order of where they were installed.\n';
  return [head, ...packagesOf(inputs).map(noticeOf)].join(`\n${'-'.repeat(80)}\n\n`);
}

function noticeOf(folder: string): string {
  const directory = join(root, folder);
  const about = manifest.parse(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')));
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files
    .sort()
    .map((file) => readFileSync(join(directory, file), 'utf8').replaceAll('\r\n', '\n').trim());
  if (files.every((file) => /^notice/i.test(file))) texts.push(standardText(about, folder));
  return `${about.name} ${about.version} (${about.license})\n\n${texts.join('\n\n')}\n`;
}

/** Where a package names its licence and author but brings no text along: the words of the licence are the same everywhere. */
function standardText({ license, author }: Manifest, folder: string): string {
  if (license !== 'MIT' || author === undefined) throw new Error(`${folder}: has no text of its licence`);
  const [, ...words] = readFileSync(join(root, 'LICENSE'), 'utf8').split(/^Copyright .*$/m);
  return `Copyright (c) ${typeof author === 'string' ? author : author.name}\n\n${words.join('').trim()}`;
}
