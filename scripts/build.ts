// Bundles the app into dist/main.cjs, the one file that the local host, Core Tools and Azure load.
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Builds `dist/main.cjs` with its source map beside it; throws with esbuild's own message when it cannot. */
export async function buildBundle(outfile = 'dist/main.cjs'): Promise<void> {
  await build({
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
    // The Functions worker supplies this one itself (facts: it is on no registry).
    external: ['@azure/functions-core'],
  });
}

if (import.meta.main) await buildBundle(process.argv[2]);
