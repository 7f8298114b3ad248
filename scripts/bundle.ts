// How the app is bundled: a CommonJS file with everything in it but what the Functions worker supplies, and one for telemetry.
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
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

/** 29 kB that compare versions: jsonwebtoken asks whether this Node is at least 16.9, which the app's own `engines` answers. */
const withoutVersions: Plugin = {
  name: 'without-versions',
  setup(build) {
    build.onLoad({ filter: /[\\/]jsonwebtoken[\\/]lib[\\/]\w+Supported\.js$/ }, () => ({
      contents: 'module.exports = true;',
    }));
  },
};

/** Where the app loads telemetry, it loads the second bundle, which lies beside the first. */
const besideTelemetry: Plugin = {
  name: 'beside-telemetry',
  setup(build) {
    build.onResolve({ filter: /\/telemetry\/telemetry\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './telemetry.cjs', external: true } : undefined,
    );
  },
};

/**
 * What Azure Monitor's exporter does on its own account: it asks Microsoft every hour how it is to be configured, and no option
 * turns that off (read in its 1.0.0-beta.45).
 */
const withoutRemoteControl: Plugin = {
  name: 'without-remote-control',
  setup(build) {
    const stub =
      'export const ConfigurationManager = { getInstance: () => ({ initialize() {}, registerCallback() {} }) };';
    build.onLoad(
      { filter: /[\\/]monitor-opentelemetry-exporter[\\/].*[\\/]configurationManager\.js$/ },
      () => ({
        contents: stub,
      }),
    );
  },
};

/**
 * All that the libraries of telemetry find in the environment: their settings come from the app's own, which are judged. The
 * exporter of Azure Monitor would else report on itself to Microsoft.
 */
const telemetryEnvironment = {
  APPLICATION_INSIGHTS_NO_STATSBEAT: 'true',
  APPLICATIONINSIGHTS_SDKSTATS_DISABLED: 'true',
  APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: 'true',
};

export interface Bundle {
  readonly code: Uint8Array;
  readonly map: Uint8Array;
  /** What went in, by path from the root. */
  readonly inputs: Metafile['inputs'];
}

/** The app itself, and what it loads only where telemetry is on; the files lie beside each other. */
export type Bundles = Readonly<Record<'main.cjs' | 'telemetry.cjs', Bundle>>;

const main = {
  // A worker that requires a file patches `require` and nothing else.
  supported: { 'dynamic-import': false },
  plugins: [withoutCrc64, withoutVersions, besideTelemetry],
};

/** Throws with esbuild's own message, which it has printed, when the source cannot be bundled. */
export async function bundleApp(directory = join(root, 'dist')): Promise<Bundles> {
  const telemetry = {
    plugins: [withoutRemoteControl],
    define: { 'process.env': JSON.stringify(telemetryEnvironment) },
  };
  return {
    'main.cjs': await bundle('src/functions/main.ts', join(directory, 'main.cjs'), main),
    'telemetry.cjs': await bundle('src/telemetry/telemetry.ts', join(directory, 'telemetry.cjs'), telemetry),
  };
}

/** Another entry in the manner of the app itself, for those who measure parts of it as they are deployed. */
export async function bundleAsApp(entry: string, outfile: string): Promise<Bundle> {
  return bundle(entry, outfile, main);
}

async function bundle(entry: string, outfile: string, own: BuildOptions): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
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
    ...own,
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
