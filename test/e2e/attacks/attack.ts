// What a row of the attack corpus is: who tries what, and exactly how he is answered.
import type { RawAnswer, RawRequest } from '../../support/rawHttp.ts';
import type { OwnHost } from '../../support/hosts.ts';
import type { Forge } from './forge.ts';

export interface Scene {
  readonly host: OwnHost;
  /** The demo user, who has an identity: what he has must stay as it is. */
  readonly victim: Forge;
  /** A user whom nobody knows: a call that got through for him would make an identity. */
  readonly stranger: Forge;
  /** A backend's token with the app role that its routes ask for. */
  readonly backendBearer: () => string;
  readonly identityOfVictim: () => string;
  /** Where the attacker serves keys of his own. */
  readonly lair: string;
}

export interface Expected {
  readonly status: number;
  /** Code of the problem. Absent for a refusal: the host gave it, with an empty body. */
  readonly code?: string;
  /** `WWW-Authenticate`, of which there must be none otherwise. */
  readonly challenge?: string;
  /** What the detail must say. */
  readonly detail?: RegExp;
  /** For a call that is served, as one that asked for no more than it may. */
  readonly served?: (answer: RawAnswer, scene: Scene) => void;
}

export interface Attack extends Expected {
  readonly says: string;
  readonly request: (scene: Scene) => RawRequest | Promise<RawRequest>;
}

export type Header = readonly [name: string, value: string];

export const invalidToken = {
  ...{ status: 401, code: 'unauthenticated', challenge: 'Bearer error="invalid_token"' },
} as const;
export const noToken = { status: 401, code: 'unauthenticated', challenge: 'Bearer' } as const;
export const lacksScope = {
  ...{ status: 403, code: 'forbidden', challenge: 'Bearer error="insufficient_scope"' },
} as const;
export const badRequest = { status: 400, code: 'invalid_request' } as const;
/** Measured: what the host refuses by itself has an empty body and no challenge. */
export const byHost = (status: number): Expected => ({ status });

export const bearer = (token: string): Header => ['Authorization', `Bearer ${token}`];
export const key = ({ host }: Scene): Header => ['x-functions-key', host.run.keys.function];
export const json: Header = ['Content-Type', 'application/json'];
/** What a trusted backend sends. */
export const trusted = (scene: Scene): readonly Header[] => [key(scene), bearer(scene.backendBearer())];

/** A row that sends the victim's own good bearer, and whose trick is elsewhere. */
export function asVictim(
  says: string,
  expected: Expected,
  request: Omit<RawRequest, 'target'> & { readonly target?: string },
): Attack {
  return {
    ...{ says, ...expected },
    request: ({ victim }) => ({
      target: '/api/tokens',
      ...request,
      headers: [bearer(victim.jwt()), ...(request.headers ?? [])],
    }),
  };
}
