// The app as it is deployed, in a folder from which no `node_modules` can be found.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleApp } from '../../scripts/bundle.ts';
import { packageOf } from '../../scripts/package.ts';

/** Packs the source as it is now into a folder inside `directory`, and answers its path. */
export async function packagedApp(directory: string): Promise<string> {
  const folder = join(directory, 'app');
  const { files } = packageOf(await bundleApp());
  mkdirSync(folder);
  for (const [name, contents] of Object.entries(files)) writeFileSync(join(folder, name), contents);
  return folder;
}
