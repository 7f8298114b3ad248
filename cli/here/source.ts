// Where a command on this machine finds the settings of the app: a settings file, the environment, or the local run.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demo } from '../../local/demo.ts';
import { readAppSettings, readLocalSettings, readSettingsFile } from '../../local/host/settings.ts';
import { localDirectory, readRunFile } from '../../local/runFile.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import type { Settings } from '../../src/platform/settings/types.ts';
import { where, type Environment } from '../app/options.ts';
import { UsageError } from '../commandLine.ts';

export type Source =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment' }
  | { readonly kind: 'local' };

export const sourceHelp = `  --settings <path>          with the settings of that file: a local.settings.json, or what
                             az functionapp config appsettings list printed; the environment's win, as with Core Tools
  --environment              with the settings that the environment holds
  --local                    with those of the run of \`npm start\`, as its app's identity`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
export const sourceSpecification = { settings: text, environment: flag, local: flag };
interface Values {
  readonly settings?: string | undefined;
  readonly environment: boolean;
  readonly local: boolean;
}

/** What is wrong with the options, each named. */
export function sourceProblems({ settings, environment, local }: Values): readonly string[] {
  const given = [settings !== undefined, environment, local].filter(Boolean).length;
  return where(given > 1, '--settings, --environment, --local: expected one of them');
}

/** Undefined where none was given. */
export function sourceOf({ settings, environment, local }: Values): Source | undefined {
  if (settings !== undefined) return { kind: 'file', path: settings };
  if (local) return { kind: 'local' };
  return environment ? { kind: 'environment' } : undefined;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Reads the settings as the app does. The Azure SDK reads some of them from the environment itself: they are put into
 * `environment`, the process's own. Throws `UsageError` naming what cannot be read.
 */
export function openSource(source: Source, environment: Record<string, string | undefined>): Settings {
  if (source.kind !== 'environment') {
    const values = source.kind === 'local' ? localValues(environment) : fileValues(source.path);
    for (const [name, value] of Object.entries(values))
      if (value !== '' && (source.kind === 'local' || !environment[name])) environment[name] = value;
  }
  // Settings of this house's own kind of local run: the real hosts' names lead to the stand-ins.
  if (environment['languageWorkers__node__arguments']?.includes('local/preload.cjs'))
    createRequire(import.meta.url)('../../local/preload.cjs');
  return parseSettings(environment);
}

function fileValues(path: string): Readonly<Record<string, string>> {
  return readable('--settings', () => readAppSettings(resolve(path)));
}

function localValues(environment: Environment): Readonly<Record<string, string>> {
  const run = readable('--local', () => readRunFile(localDirectory(environment)));
  if (!run) throw new UsageError('--local: no local run goes on. Start one with npm start or npm run azure.');
  const sample = (): Readonly<Record<string, string>> =>
    readSettingsFile(join(root, 'local.settings.sample.json')).values;
  return {
    ...readable('--local', () => readLocalSettings(root)?.values ?? sample()),
    AzureWebJobsStorage: run.azure.storage,
    IDENTITY_ENDPOINT: `${run.azure.managedIdentity}/msi/token`,
    IDENTITY_HEADER: demo.identityHeader,
  };
}

function readable<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const words = error instanceof Error ? error.message : 'it cannot be read';
    throw new UsageError(`${option}: ${words}`, { cause: error });
  }
}
