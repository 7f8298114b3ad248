// ACS in memory: several resources, each of which knows its own identities only; each request is a step.
import type { Acs, AcsToken, Created } from '../../../src/communication/acsClient.ts';
import { AppError } from '../../../src/platform/errors.ts';
import { acsCreateTimeoutMs, tableTimeoutMs } from '../../../src/platform/limits.ts';
import type { Place } from './tables.ts';
import type { Identity } from './world.ts';

const expiresOn = '2026-03-02T12:00:00.000Z';

function unanswered(): never {
  throw new AppError('upstream_failed', 'no answer');
}

/** `resource`: as the row names it. */
export function acsIn(place: Place, resource: string): Acs {
  const { world, scheduler, by: actor } = place;
  const of = (id: string): Identity | undefined => {
    const found = world.identities.get(id);
    return found?.resource === resource ? found : undefined;
  };
  const act = <T>(name: string, go: () => T, gone?: () => T): Promise<T> => {
    const lost = (): T => {
      go();
      return unanswered();
    };
    const ends = { fail: unanswered, lost, slow: go, ...(gone ? { gone } : {}) };
    return scheduler.step(actor, { name, go, ends });
  };
  const token = (): AcsToken => ({ token: `token-${actor.uuid()}`, expiresOn });
  return {
    takeCreate: () => undefined,
    create: () => create(place, resource),
    issue: (id) => {
      const issued = token();
      const deny = (): 'gone' => {
        const found = of(id);
        if (found) found.denied = true;
        return 'gone';
      };
      return act('token issued', () => (of(id)?.tokens.add(issued.token) ? issued : 'gone'), deny);
    },
    exchange: () => act('Teams token exchanged', token),
    revoke: (id) =>
      act('tokens revoked', () => {
        of(id)?.tokens.clear();
        return of(id) ? 'done' : 'gone';
      }),
    delete: (id) =>
      act('identity deleted', () => {
        if (!world.durable.has(id)) world.violate('an identity is written down before it is deleted', id);
        if (!of(id)) return 'gone';
        world.identities.delete(id);
        world.deleted.add(id);
        return 'done';
      }),
  };
}

function create({ world, scheduler, by: actor }: Place, resource: string): Promise<Created> {
  const identity = `8:acs:${actor.uuid()}`;
  if (scheduler.time + acsCreateTimeoutMs + tableTimeoutMs > (world.claims.get(actor.name) ?? 0)) {
    world.violate('a create is sent only while its claim outlives it', actor.name);
  }
  const error = new AppError('upstream_failed', 'no answer');
  const go = (): Created => {
    world.identities.set(identity, {
      ...{ resource, creator: actor.name, tokens: new Set<string>(), denied: false },
    });
    return { kind: 'created', identity };
  };
  const lost = (): Created => {
    go();
    world.unanswered.add(identity);
    return { kind: 'unknown', error };
  };
  const ends = {
    fail: (): Created => ({ kind: 'unknown', error }),
    refused: (): Created => ({ kind: 'refused', error }),
    lost,
  };
  const limit = { ms: acsCreateTimeoutMs, ends: [ends.fail, lost] };
  return scheduler.step(actor, { name: 'identity created', go, ends, unseen: true, limit });
}
