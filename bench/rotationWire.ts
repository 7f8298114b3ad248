// What the stand-ins were asked on behalf of the rotation: the requests that count for a run, and those that come with them.
import type { LoggedRequest } from '../local/standIns/requestLog.ts';

/** `other`: whatever a run with nothing to do does not need. */
export const kinds = [
  'application',
  'secret',
  'versions',
  'probe',
  'other',
  'challenge',
  'identity',
] as const;
export type Kind = (typeof kinds)[number];

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
export function counts(kind: Kind): boolean {
  return kind !== 'challenge' && kind !== 'identity';
}
