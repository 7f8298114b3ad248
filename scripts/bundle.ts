// How the app is bundled: one CommonJS file with everything in it but what the Functions worker supplies.
import { build, type Metafile, type Plugin } from 'esbuild';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * 84 kB of WebAssembly that the storage clients call only for CRC64 checksums, which the app never asks for: storage checks
 * what travels over TLS by itself.
 */
const withoutCrc64: Plugin = {
  name: 'without-crc64',
  setup(build) {
    build.onLoad({ filter: /[\\/]@azure[\\/]storage-common[\\/].*[\\/]crc64\.js$/ }, () => ({
      contents:
        "export default () => Promise.reject(new Error('CRC64 checksums are not part of this app.'));",
    }));
  },
};

export interface Bundle {
  readonly code: Uint8Array;
  readonly map: Uint8Array;
  /** What went in, by path from the root. */
  readonly inputs: Metafile['inputs'];
}

/** Throws with esbuild's own message, which it has printed, when the source cannot be bundled. */
export async function bundleApp(outfile = join(root, 'dist/main.cjs')): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/functions/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    // The modules of a library rather than its CommonJS form: what is not used falls away.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    sourcemap: 'external',
    logLevel: 'warning',
    // The Functions worker supplies the first one itself: it is on no registry. The second one, an eighth of the bundle, the
    // blob client imports only when blobs are listed in Arrow format, which the app never asks for.
    external: ['@azure/functions-core', 'apache-arrow'],
    plugins: [withoutCrc64],
    metafile: true,
    write: false,
  });
  const [code, map] = [basename(outfile), `${basename(outfile)}.map`].map(
    (name) => outputFiles.find(({ path }) => basename(path) === name)?.contents,
  );
  if (!code || !map) throw new Error('esbuild answered without the bundle or its source map');
  return { code, map, inputs: metafile.inputs };
}

/** Renamed into place, so that who reads meanwhile never gets half a file. */
export async function replace(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, contents);
  await rename(fresh, path);
}
