// Which services the app stands on by its settings, where each is, and what an answer of it says about it.
import type { DependencyName, FailureKind } from './cures.ts';
import { auditContainer, rotationContainer, stateContainer, type Platform } from './platform.ts';
import type { CredentialSettings, Settings, StorageSettings } from './settings/types.ts';
import type { Storage } from './storage.ts';

export interface Dependency {
  readonly name: DependencyName;
  /**
   * Which one, where there can be several: the host of a DICOM service, the client id of an identity, a table, or the job
   * whose identity writes there.
   */
  readonly target?: string;
  /** Where its requests go, without query; undefined where no request of ours shows it. Asked at the first request. */
  readonly base?: () => string;
  /** Which of the requests to `base` are meant, where others go there too. `path` has the query. */
  readonly asks?: (request: { readonly method: string; readonly path: string }) => boolean;
}

/** Every service that the configured capabilities use, once. */
export function dependenciesOf(
  settings: Settings,
  platform: Pick<Platform, 'storage'>,
): readonly Dependency[] {
  const all = [
    ...rotationNeeds(settings, platform),
    ...changeFeedNeeds(settings, platform),
    ...communicationNeeds(settings, platform),
    ...callerNeeds(settings),
  ];
  const key = ({ name, target }: Dependency): string => `${name} ${target ?? ''}`;
  return [...new Map(all.map((one) => [key(one), one])).values()];
}

/** How the identity of `settings` is called. */
export function identityName({ clientId }: CredentialSettings): string {
  return clientId ?? 'default';
}

function signIn(credential: CredentialSettings, storage: readonly StorageSettings[]): readonly Dependency[] {
  const own = storage.flatMap((account) =>
    account.kind === 'identity' && account.clientId !== undefined ? [account.clientId] : [],
  );
  return [identityName(credential), ...own].map((target) => ({ name: 'signIn', target }));
}

type Job = 'communication' | 'rotation' | 'changeFeed';
/** How the actions begin that each job records: the names of records say whose they are. */
const recorded: Readonly<Record<Job, RegExp>> = {
  communication: /-(identity|tokens)\./,
  rotation: /-rotation\./,
  changeFeed: /-feed\./,
};

/** One row for each job, since each has an identity of its own: that one may write says nothing of another. */
function records(target: Job, storage: () => Storage): Dependency {
  return {
    ...{ name: 'auditBlobs', target, base: () => storage().container(auditContainer).url },
    asks: ({ path }) => recorded[target].test(path),
  };
}

function rows(storage: () => Storage, ...tables: readonly string[]): readonly Dependency[] {
  return tables.map((target) => ({
    ...{ name: 'stateTables', target },
    // The client of a table tells the address of all of them.
    base: () => `${storage().table(target).url}/${target}`,
  }));
}

function rotationNeeds({ rotation }: Settings, platform: Pick<Platform, 'storage'>): readonly Dependency[] {
  if (rotation.state !== 'on') return [];
  const { state, credential, vaultUrl, graphEndpoint, authorityHost, clients } = rotation.value;
  const storage = (): Storage => platform.storage(state, credential);
  return [
    ...signIn(credential, [state]),
    { name: 'rotationBlobs', base: () => storage().container(rotationContainer).url },
    records('rotation', storage),
    { name: 'keyVault', base: () => vaultUrl },
    { name: 'graph', base: () => graphEndpoint },
    ...clients.map(({ tenantId: target }) => ({
      ...{ name: 'entra' as const, target },
      base: () => `${authorityHost}/${target}/oauth2/v2.0/token`,
    })),
  ];
}

function changeFeedNeeds(
  { changeFeed }: Settings,
  platform: Pick<Platform, 'storage'>,
): readonly Dependency[] {
  if (changeFeed.state !== 'on') return [];
  const { state, deliveries, credential, services, sinks, container, queue, webhook } = changeFeed.value;
  const storage = (account: StorageSettings): Storage => platform.storage(account, credential);
  const ownState = (): Storage => storage(state);
  const found: Dependency[] = [
    ...signIn(credential, [state, deliveries]),
    { name: 'stateBlobs', base: () => ownState().container(stateContainer).url },
    records('changeFeed', ownState),
    ...rows(ownState, 'cursors'),
    ...services.map((url) => ({ name: 'dicom' as const, target: new URL(url).host, base: () => url })),
  ];
  if (sinks.includes('blob') || sinks.includes('queue'))
    found.push({ name: 'deliveryBlobs', base: () => storage(deliveries).container(container).url });
  if (sinks.includes('queue'))
    found.push({ name: 'deliveryQueue', base: () => storage(deliveries).queue(queue).url });
  if (!webhook) return found;
  const { auth, url } = webhook;
  if (auth.kind === 'hmac')
    found.push({ name: 'webhookKey', base: () => `${auth.vaultUrl}/secrets/${auth.secretName}` });
  found.push({ name: 'webhook', base: () => url.reveal() });
  return found;
}

function communicationNeeds(
  { communication }: Settings,
  platform: Pick<Platform, 'storage'>,
): readonly Dependency[] {
  if (communication.state !== 'on') return [];
  const { state, credential, resource } = communication.value;
  const storage = (): Storage => platform.storage(state, credential);
  return [
    ...(resource.kind === 'endpoint' || state.kind === 'identity' ? signIn(credential, [state]) : []),
    records('communication', storage),
    ...rows(storage, 'identities', 'cleanups'),
    { name: 'communication', base: () => resource.endpoint },
  ];
}

/** The keys of an issuer may lie beside its own path, though hardly ever on another host. */
function callerNeeds({ communication, rotation, changeFeed }: Settings): readonly Dependency[] {
  const on = [communication, rotation, changeFeed].flatMap((one) => (one.state === 'on' ? [one.value] : []));
  const issuers = on.flatMap(({ callers }) => (callers ? [new URL(callers.issuer).origin] : []));
  // Where the issuer is Entra, the app's own sign-in goes there as well, and posts.
  const asks = ({ method }: { readonly method: string }): boolean => method === 'GET';
  return issuers.map((origin) => ({ name: 'issuer', base: () => origin, asks }));
}

/** Undefined where the service did, or could have done, what it was asked: a missing blob says nothing against the storage. */
export function judgeStatus(name: DependencyName, status: number): FailureKind | undefined {
  // A secret that Entra rejects is what it was asked about.
  if (name === 'entra' && status < 500 && status !== 429) return undefined;
  if (status === 401 || status === 403) return 'refused';
  if (status === 429) return 'throttled';
  if (status === 408 || status >= 500) return 'broken';
  return status < 300 || usual[name]?.(status) !== false ? undefined : 'odd';
}

const nothingElse = (): boolean => false;
/** Whether a service that does its work gives such an answer from 300 on; those that are not named here do. */
const usual: Readonly<Partial<Record<DependencyName, (status: number) => boolean>>> = {
  dicom: nothingElse,
  issuer: nothingElse,
  webhook: (status) => [400, 413, 422].includes(status),
};
