// What the stand-ins were asked on behalf of the rotation: the requests that count for a run, and those that come with them.
import type { LoggedRequest } from '../local/standIns/requestLog.ts';
import type { Figure } from './report.ts';
import type { SlowStorage } from './slowStorage.ts';
import type { Logged } from './standIns.ts';

const requestsPerClient = 4;

/** `other`: whatever a run with nothing to do does not need. */
const kinds = ['application', 'secret', 'versions', 'probe', 'other', 'challenge', 'identity'] as const;
type Kind = (typeof kinds)[number];

const meanings: readonly (readonly [Kind, LoggedRequest['service'], RegExp])[] = [
  ['application', 'graph', /^GET \/v1\.0\/applications\(appId='[^']+'\)$/],
  ['versions', 'keyVault', /^GET \/secrets\/[^/]+\/versions$/],
  ['secret', 'keyVault', /^GET \/secrets\/[^/]+\/?$/],
  ['probe', 'entra', /^POST \/[^/]+\/oauth2\/v2\.0\/token$/],
];

type Asked = Pick<LoggedRequest, 'service' | 'method' | 'path' | 'status'>;

export function kindOf({ service, method, path, status }: Asked): Kind {
  if (service === 'managedIdentity') return 'identity';
  // Key Vault says which tenant and resource a token must be for: once for each process.
  if (service === 'keyVault' && status === 401) return 'challenge';
  const line = `${method} ${path}`;
  return meanings.find(([, of, pattern]) => of === service && pattern.test(line))?.[0] ?? 'other';
}

/** Challenges and tokens of the app's own identity come with a process, not with a client. */
function counts(kind: Kind): boolean {
  return kind !== 'challenge' && kind !== 'identity';
}

/** By what they ask for; storage and the ones that come with a process are told as they are, and are not in the sum. */
export function wireFigures(
  asked: readonly Logged[],
  kept: ReturnType<SlowStorage['requests']>,
  clients: number,
): readonly Figure[] {
  const byKind = Map.groupBy(asked, kindOf);
  return [
    ...kinds.map((kind) => {
      const number = byKind.get(kind)?.length ?? 0;
      return counts(kind)
        ? { name: kind, text: `${kind}: requests per client`, value: number / clients }
        : { name: kind, text: `${kind}: requests in all`, value: number };
    }),
    { name: 'lease', text: 'storage, leases: requests per client', value: kept.lease / clients },
    { name: 'state', text: 'storage, state: requests per client', value: kept.state / clients },
    { ...perClient(asked, clients), atMost: requestsPerClient },
  ];
}

export function perClient(asked: readonly Logged[], clients: number): Figure {
  const value = asked.filter((one) => counts(kindOf(one))).length / clients;
  return { name: 'requests', text: 'Entra, Graph and Key Vault: requests per client', value };
}
