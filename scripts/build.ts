// Bundles the app into dist/main.cjs, the one file that the local host and Core Tools load, and the client helper for browsers.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleApp, replace, root, type Bundle } from './bundle.ts';

/** Builds the bundle with its source map beside it; throws with esbuild's own message when it cannot. */
export async function buildBundle(outfile = join(root, 'dist/main.cjs')): Promise<Bundle> {
  const bundle = await bundleApp(outfile);
  await replace(`${outfile}.map`, bundle.map);
  await replace(outfile, bundle.code);
  return bundle;
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

// esbuild has printed its own message by then.
if (import.meta.main) {
  await buildBundle().catch(() => (process.exitCode = 1));
  await buildClient();
}
