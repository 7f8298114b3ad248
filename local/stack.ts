// Everything a local run needs beside the host: the built bundle, storage, the stand-ins, and the environment that ties them together.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBundles } from '../scripts/build.ts';
import { sampleFile } from './dicomFiles.ts';
import { startAzurite } from './azurite.ts';
import { readLocalSettings, type LocalSettings } from './host/settings.ts';
import { readForPeople, StartError } from './interrupt.ts';
import { readPorts, type Ports } from './ports.ts';
import { localDirectory, readRunFile, type RunFile } from './runFile.ts';
import { startCloud, type Cloud } from './standIns/cloud.ts';
import { signDemoTokens } from './standIns/demoTenant.ts';
import { demo } from './demo.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Stack {
  /** A DICOM file that is not stored yet, for people to send. */
  readonly sample: string;
  readonly ports: Ports;
  /** Folder of the run file. */
  readonly directory: string;
  /** Folder of a packaged app to run in place of this one. */
  readonly app: string | undefined;
  readonly cloud: Cloud;
  readonly azure: RunFile['azure'];
  readonly demo: RunFile['demo'];
  /** What the host and the app are started with. */
  readonly hostEnvironment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));

/** A shell that is signed in to a real Azure must not leak into a run that has none; the app's own settings may. */
export const foreign =
  /^(AZURE_|ARM_|MSI_|IDENTITY_(ENDPOINT|HEADER|SERVER_)|WEBSITE_|APPLICATIONINSIGHTS_|AzureWebJobsStorage)/;

/** Everything is on loopback; .NET and Node (with NODE_USE_ENV_PROXY) would ask a proxy even for that. */
const proxy = /^(?:(?:https?|all)_proxy|NODE_USE_ENV_PROXY)$/i;

/**
 * Builds the bundle, unless a packaged app is to run, and starts storage and stand-ins. From then on this process, too,
 * reaches the real Azure hosts' names at the stand-ins only. Throws `StartError` and `PortError`.
 */
export async function startStack(environment: Environment): Promise<Stack> {
  const own = readForPeople(() => readLocalSettings(root));
  const ports = portsOf(environment, own);
  const directory = localDirectory(environment);
  await refuseSecondRun(directory);
  const app = packagedApp(environment);
  if (app === undefined) await buildBundles();
  const folder = environment['LOCAL_STATE'] || undefined;
  const azurite = await startAzurite({ ports, folder: folder && join(folder, 'storage') });
  const cloud = await startCloud({ ports, folder }).catch(async (error: unknown) => {
    await azurite.close();
    throw error;
  });
  const azure = { storage: azurite.connectionString, ...cloud.urls };
  routeThisProcess(cloud);
  return {
    ...{ ports, directory, app, cloud, azure, sample: writeSample(directory) },
    demo: {
      ...(await signDemoTokens(cloud.directory, cloud.tokens)),
      userId: `entra.${demo.tenantId}.${demo.user.oid}`,
    },
    hostEnvironment: hostEnvironment(environment, own, azure, cloud),
    async close() {
      await cloud.close();
      await azurite.close();
    },
  };
}

function packagedApp(environment: Environment): string | undefined {
  if (!environment['LOCAL_APP']) return undefined;
  const app = resolve(environment['LOCAL_APP']);
  if (!existsSync(join(app, 'host.json')))
    throw new StartError(`LOCAL_APP: found ${app}; expected a folder that npm run package has made`);
  return app;
}

/** `LOCAL_PORT_HOST` wins over `Host.LocalHttpPort`, as a port on the command line of Core Tools would. */
function portsOf(environment: Environment, own: LocalSettings | undefined): Ports {
  const ports = readPorts(environment);
  return environment['LOCAL_PORT_HOST'] || own?.port === undefined ? ports : { ...ports, host: own.port };
}

/** A run that was killed leaves its file behind, and its process id may be another process's by now. */
async function refuseSecondRun(directory: string): Promise<void> {
  const run = readForPeople(() => readRunFile(directory));
  if (run && isAlive(run.pid) && (await fetch(run.azure.faults).catch(() => undefined))) {
    throw new StartError(
      `A local run is already going on (process ${run.pid}). Stop it, or give this one another LOCAL_DIR and other ports.`,
    );
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function writeSample(directory: string): string {
  const path = join(directory, 'sample.dcm');
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, sampleFile());
  return path;
}

/** The seeding and the showcase use the Azure SDK as the app does. */
function routeThisProcess(cloud: Cloud): void {
  process.env['LOCAL_ROUTES'] = JSON.stringify(cloud.urls);
  createRequire(import.meta.url)('./preload.cjs');
}

/** What is set for this run wins; then the shell's own words, then local.settings.json, or else the sample. */
function hostEnvironment(
  environment: Environment,
  own: LocalSettings | undefined,
  azure: RunFile['azure'],
  cloud: Cloud,
): Record<string, string> {
  const shell = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !foreign.test(entry[0]) && !proxy.test(entry[0]),
  );
  return {
    ...(own?.values ?? sampleValues()),
    ...Object.fromEntries(shell),
    AzureWebJobsStorage: azure.storage,
    IDENTITY_ENDPOINT: `${azure.managedIdentity}/msi/token`,
    IDENTITY_HEADER: cloud.identityHeader,
    LOCAL_ROUTES: JSON.stringify(cloud.urls),
  };
}

function sampleValues(): Record<string, string> {
  const sample = JSON.parse(readFileSync(join(root, 'local.settings.sample.json'), 'utf8')) as {
    Values: Record<string, string>;
  };
  return sample.Values;
}
