// Makes what is deployed: a folder that holds the bundles and nothing they could do without, and the same as a zip file.
import { zipSync } from 'fflate';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { buildBundles } from './build.ts';
import { replace, root, type Bundle, type Bundles } from './bundle.ts';
import { noticesOf } from './notices.ts';

/** Most bytes of each bundle: a cold start reads all of the first, and the second where telemetry is on. */
export const budgets: Readonly<Record<keyof Bundles, number>> = {
  'main.cjs': 1_400_000,
  'telemetry.cjs': 320_000,
};

type Packed = Readonly<Record<keyof Bundles, Pick<Bundle, 'code' | 'inputs'>>>;

export interface Package {
  /** Contents by name, in the order of the zip file. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly zip: Uint8Array;
}

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** The same bytes wherever and whenever it is called with the same sources and dependencies. Throws when one is too large. */
export function packageOf(bundles: Packed): Package {
  const { 'main.cjs': main, 'telemetry.cjs': telemetry } = bundles;
  requireSize('main.cjs', main);
  requireSize('telemetry.cjs', telemetry);
  const text = (name: string): string => readFileSync(join(root, name), 'utf8');
  const { name, version, license } = manifest.parse(JSON.parse(text('package.json')));
  const own = { name, version, license, private: true, type: 'commonjs', main: 'main.cjs' };
  const bytes = new TextEncoder();
  const files = {
    LICENSE: bytes.encode(text('LICENSE')),
    'THIRD-PARTY-NOTICES.txt': bytes.encode(
      noticesOf([...Object.keys(main.inputs), ...Object.keys(telemetry.inputs)]),
    ),
    'host.json': bytes.encode(text('host.json')),
    'main.cjs': main.code,
    'package.json': bytes.encode(`${JSON.stringify(own, undefined, 2)}\n`),
    'telemetry.cjs': telemetry.code,
  };
  return { files, zip: zipOf(files) };
}

function requireSize(name: keyof Bundles, { code }: Packed[keyof Bundles]): void {
  if (code.length > budgets[name])
    throw new Error(`${name} has ${code.length} bytes, and may have ${budgets[name]}.`);
}

/** The entries' time is the oldest that a zip file knows, in the zone of whoever packs: a zip file holds local time. */
function zipOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) });
}

/** Writes `package/`, `telehealth-functions.zip` and, apart from both, `maps/` into `directory`. */
export async function writePackage(directory = join(root, 'dist')): Promise<Package> {
  const bundles = await buildBundles();
  const made = packageOf(bundles);
  const folder = join(directory, 'package');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, contents] of Object.entries(made.files)) await replace(join(folder, name), contents);
  for (const [name, { map }] of Object.entries(bundles))
    await replace(join(directory, `maps/${name}.map`), map);
  await replace(join(directory, 'telehealth-functions.zip'), made.zip);
  return made;
}

if (import.meta.main) {
  const { files, zip } = await writePackage();
  const sizes = Object.entries(files).map(
    ([name, { length }]) => `  ${name.padEnd(24)} ${kilobytes(length)}`,
  );
  process.stdout.write(
    `dist/package/\n${sizes.join('\n')}\ndist/telehealth-functions.zip ${kilobytes(zip.length)}\n` +
      'dist/maps/ is for reading stack traces: keep it, and do not deploy it.\n',
  );
}

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1000).toLocaleString('en')} kB`.padStart(9);
}
