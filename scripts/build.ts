// Bundles the app into dist/main.cjs, which the local host and Core Tools load, with telemetry.cjs beside it, and the client helper.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleApp, replace, root, type Bundles } from './bundle.ts';

/** Builds the bundles with their source maps beside them; throws with esbuild's own message when it cannot. */
export async function buildBundles(directory = join(root, 'dist')): Promise<Bundles> {
  const bundles = await bundleApp(directory);
  for (const [name, { code, map }] of Object.entries(bundles)) {
    await replace(join(directory, `${name}.map`), map);
    await replace(join(directory, name), code);
  }
  return bundles;
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
  await buildBundles().catch(() => (process.exitCode = 1));
  await buildClient();
}
