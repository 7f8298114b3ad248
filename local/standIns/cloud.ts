// Starts the demo tenant with all its services and the admin endpoint: an Azure that fits into one process.
import type { Hono } from 'hono';
import { demo } from '../demo.ts';
import { explainPort } from '../ports.ts';
import { createAdmin } from './admin.ts';
import { createCommunication } from './communication.ts';
import { openDemoTenant } from './demoTenant.ts';
import { createDicom } from './dicom/dicom.ts';
import type { Directory } from './directory.ts';
import { createEntra } from './entra.ts';
import { FaultBook } from './faults.ts';
import { createGraph } from './graph.ts';
import { createKeyVault } from './keyVault.ts';
import {
  listen,
  withFrame,
  type Now,
  type Served,
  type ServiceName,
  type StandIn,
  type StandInEnv,
} from './kit.ts';
import { createManagedIdentity } from './managedIdentity.ts';
import { RequestLog } from './requestLog.ts';
import { keepSaving, loadState, newServiceData, type ServiceData } from './savedState.ts';
import { createSubscriber } from './subscriber.ts';
import { TokenOffice } from './tokens.ts';

export interface CloudOptions {
  readonly ports: Readonly<Record<ServiceName | 'faults', number>>;
  /** The machine's clock by default. */
  readonly now?: Now;
  /** Folder that keeps the state; without it everything is in memory. */
  readonly folder?: string | undefined;
}

export interface Cloud {
  /** By the names of the run file; `faults` is the admin endpoint. */
  readonly urls: Readonly<Record<ServiceName | 'faults', string>>;
  /** True when the state came from the folder: then the tenant is as an earlier run left it. */
  readonly restored: boolean;
  /** What the app's `IDENTITY_HEADER` must be. */
  readonly identityHeader: string;
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly faults: FaultBook;
  readonly log: RequestLog;
  /** Connection string of the ACS resource, with a key that is new in each tenant. */
  readonly communicationConnectionString: string;
  close(): Promise<void>;
}

/**
 * Listens on loopback; port 0 takes a free one. Throws `PortError` naming the setting when a port is busy; nothing keeps
 * running then.
 */
export async function startCloud({ ports, folder, now = Date.now }: CloudOptions): Promise<Cloud> {
  const saved = folder === undefined ? undefined : loadState(folder);
  const directory = openDemoTenant(now);
  if (saved) directory.restore(saved.directory);
  const tokens = await TokenOffice.open(now, saved?.signingKey);
  const data: ServiceData = saved ?? newServiceData();
  const faults = new FaultBook(directory);
  const log = new RequestLog(now);
  const all = createStandIns({ directory, tokens, now }, data);
  const standIns = Object.values(all);
  for (const { service, effects = {} } of standIns) faults.know(service, effects);
  const { start, close } = openListeners(ports);
  const serve = (standIn: StandIn) => start(standIn.service, withFrame(standIn, faults, log));
  const urls = {
    managedIdentity: await serve(all.managedIdentity),
    entra: await serve(all.entra),
    graph: await serve(all.graph),
    keyVault: await serve(all.keyVault),
    communication: await serve(all.communication),
    dicom: await serve(all.dicom),
    subscriber: await serve(all.subscriber),
    faults: await start('faults', createAdmin({ standIns, faults, log, tokens })),
  };
  const signingKey = await tokens.exportKey();
  const lastSave =
    folder === undefined
      ? undefined
      : keepSaving(folder, () => ({ ...data, signingKey, directory: directory.toData() }));
  return {
    ...{ urls, directory, tokens, faults, log, restored: saved !== undefined },
    identityHeader: demo.identityHeader,
    communicationConnectionString: `endpoint=${demo.communicationEndpoint}/;accesskey=${data.accessKey}`,
    async close() {
      await close();
      lastSave?.();
    },
  };
}

function createStandIns(
  shared: { directory: Directory; tokens: TokenOffice; now: Now },
  { graph, keyVault, communication, dicom, accessKey }: ServiceData,
): Readonly<Record<ServiceName, StandIn>> {
  const { identityHeader, managedIdentity, communicationResourceId: resourceId } = demo;
  const endpointHost = new URL(demo.communicationEndpoint).host;
  const vaultHosts = [new URL(demo.vaultUrl).host];
  return {
    managedIdentity: createManagedIdentity({ ...shared, identityHeader, identities: [managedIdentity] }),
    entra: createEntra(shared),
    graph: createGraph({ ...shared, data: graph }),
    keyVault: createKeyVault({ ...shared, vaultHosts, data: keyVault }),
    communication: createCommunication({
      ...shared,
      resourceId,
      endpointHost,
      accessKey,
      data: communication,
    }),
    dicom: createDicom({ ...shared, hosts: [new URL(demo.dicomUrl).host], data: dicom }),
    subscriber: createSubscriber({ now: shared.now, url: demo.webhookUrl }),
  };
}

function openListeners(ports: CloudOptions['ports']) {
  const served: Served[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(served.splice(0).map((one) => one.close()));
  };
  const start = async (name: keyof typeof ports, app: Hono<StandInEnv>): Promise<string> => {
    try {
      const one = await listen(app, ports[name]);
      served.push(one);
      return one.url;
    } catch (error) {
      await close();
      throw explainPort(error, name, ports[name]);
    }
  };
  return { start, close };
}
