// Bundles the app into dist/main.cjs, the one file that the local host, Core Tools and Azure load.
import { build } from 'esbuild';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Builds the bundle with its source map beside it; throws with esbuild's own message when it cannot. */
export async function buildBundle(outfile = join(root, 'dist/main.cjs')): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/functions/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    minify: true,
    keepNames: true,
    sourcemap: 'external',
    logLevel: 'warning',
    // The Functions worker supplies the first one itself: it is on no registry. The second one, an eighth of the bundle, the
    // blob client imports only when blobs are listed in Arrow format, which the app never asks for.
    external: ['@azure/functions-core', 'apache-arrow'],
    write: false,
  });
  await mkdir(dirname(outfile), { recursive: true });
  for (const { path, contents } of outputFiles) {
    // Renamed into place, so that a host that starts meanwhile never loads half a bundle.
    const fresh = `${path}.${process.pid}`;
    await writeFile(fresh, contents);
    await rename(fresh, path);
  }
}

// esbuild has printed its own message by then.
if (import.meta.main) await buildBundle().catch(() => (process.exitCode = 1));
