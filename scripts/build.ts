// Bundles the app into dist/main.cjs, the one file that the local host, Core Tools and Azure load, and the client helper for browsers.
import { build } from 'esbuild';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
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
  for (const { path, contents } of outputFiles) await replace(path, contents);
}

/** Writes the client helper as a module for browsers, its declarations beside it; types are the type check's business. */
export async function buildClient(directory = join(root, 'dist/client')): Promise<void> {
  // Here, because it takes half a second that those who only want the bundle need not wait for.
  const { ModuleKind, ScriptTarget, transpileDeclaration, transpileModule } = await import('typescript');
  const source = await readFile(join(root, 'client/tokenRefresher.ts'), 'utf8');
  const compilerOptions = { target: ScriptTarget.ES2022, module: ModuleKind.ES2022 };
  const declarations = transpileDeclaration(source, { compilerOptions });
  await replace(
    join(directory, 'tokenRefresher.js'),
    transpileModule(source, { compilerOptions }).outputText,
  );
  await replace(join(directory, 'tokenRefresher.d.ts'), declarations.outputText);
}

/** Renamed into place, so that who reads meanwhile never gets half a file. */
async function replace(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, contents);
  await rename(fresh, path);
}

// esbuild has printed its own message by then.
if (import.meta.main) {
  await buildBundle().catch(() => (process.exitCode = 1));
  await buildClient();
}
