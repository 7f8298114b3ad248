// The two tables in memory, one level below the adapters: each request is a step, and answers what Azure Tables would.
import type { TableClient } from '@azure/data-tables';
import { tableTimeoutMs } from '../../../src/platform/limits.ts';
import { judgeWrite } from './judge.ts';
import type { Scheduler } from './scheduler.ts';
import type { Actor, Step } from './step.ts';
import { stored, type World } from './world.ts';

export interface Place {
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly by: Actor;
  /** A timer takes part, and reads what others write into the outbox. */
  readonly timers: boolean;
}

type Entity = Record<string, unknown>;
interface Condition {
  readonly etag?: string;
}
interface Heard {
  readonly onResponse?: (response: unknown) => void;
}

class TableAnswer extends Error {
  readonly statusCode: number | undefined;
  readonly response: unknown;
  constructor(statusCode: number | undefined, response: unknown) {
    super(statusCode === undefined ? 'no answer' : `status ${statusCode}`);
    this.statusCode = statusCode;
    this.response = response;
  }
}

const unanswered = (): never => {
  throw new TableAnswer(undefined, undefined);
};

/** Answers carry the time of the store, in whole seconds. */
function answerAt(time: number): unknown {
  const date = new Date(time).toUTCString();
  return { headers: { get: (name: string) => (name === 'date' ? date : undefined) } };
}

function fails(place: Place, status: number): never {
  throw new TableAnswer(status, answerAt(place.scheduler.time));
}

/** Entities as the service gives them back: nothing undefined, with their version. */
function clean(entity: Entity): Entity {
  return JSON.parse(JSON.stringify(entity)) as Entity;
}

function read<T>(place: Place, name: string, go: () => T): Promise<T> {
  const ends: Step<T>['ends'] = { fail: unanswered, slow: go };
  return place.scheduler.step(place.by, { name, go, ends });
}

/** Writes over the version `etag`, or where there is no row; the name of the writer serves as version. */
function swap(
  place: Place,
  name: string,
  etag: string | undefined,
  entity: Entity | undefined,
): Promise<void> {
  const { world, scheduler, by } = place;
  const next = entity && stored(clean(entity));
  const go = (): void => {
    if (world.row?.writer !== etag) fails(place, etag === undefined ? 409 : world.row ? 412 : 404);
    judgeWrite(world, next, by, scheduler.time);
    world.row = next;
  };
  // The client sends again what was not answered, and is refused for its own success (measured).
  const lost = (): void => {
    go();
    fails(place, etag === undefined ? 409 : 412);
  };
  const ends = { fail: unanswered, lost, late: unanswered, slow: go, last: go };
  const detail = JSON.stringify(next?.entity);
  const limit = { ms: tableTimeoutMs, ends: [unanswered] };
  return scheduler.step(by, { name, detail, go, ends, limit });
}

export function identitiesTable(place: Place): TableClient {
  const { world, scheduler } = place;
  const table = {
    getEntity: (_partition: string, _key: string, { onResponse }: Heard) =>
      read(place, 'row read', () => {
        if (!world.row) fails(place, 404);
        onResponse?.(answerAt(scheduler.time));
        return { ...world.row.entity, etag: world.row.writer };
      }),
    createEntity: (entity: Entity) => swap(place, 'row created', undefined, entity),
    updateEntity: (entity: Entity, _mode: string, { etag }: Condition) =>
      swap(place, 'row written', etag, entity),
    deleteEntity: (_partition: string, _key: string, { etag }: Condition) =>
      swap(place, 'row removed', etag, undefined),
  };
  return table as unknown as TableClient;
}

export function cleanupsTable(place: Place): TableClient {
  const { world, scheduler, by, timers } = place;
  const act = (name: string, go: () => void): Promise<void> => {
    const lost = (): void => {
      go();
      unanswered();
    };
    const ends = { fail: unanswered, lost, slow: go };
    return scheduler.step(by, { name, go, ends, unseen: !timers });
  };
  const put = (entity: Entity): void => {
    const { rowKey, identity } = entity;
    world.entries.set(String(rowKey), clean(entity));
    if (typeof identity === 'string') world.durable.add(identity);
  };
  const list = (onResponse: Heard['onResponse']) => ({
    next: () =>
      read(place, 'outbox read', () => {
        onResponse?.(answerAt(scheduler.time));
        return {
          done: false,
          value: [...world.entries.values()].map((entity) => ({ ...entity, etag: '1' })),
        };
      }),
  });
  const table = {
    upsertEntity: (entity: Entity) =>
      act('outbox written', () => {
        const id = String(entity['identity']);
        if (world.row?.names.includes(id)) {
          world.violate('the outbox names no identity of the row as a stray', id);
        }
        put(entity);
      }),
    updateEntity: (entity: Entity) =>
      act('outbox put off', () => {
        if (!world.entries.has(String(entity['rowKey']))) fails(place, 404);
        put(entity);
      }),
    deleteEntity: (_partition: string, key: string) =>
      act('outbox cleared', () => {
        if (!world.entries.delete(key)) fails(place, 404);
      }),
    listEntities: ({ onResponse }: Heard) => ({ byPage: () => list(onResponse) }),
  };
  return table as unknown as TableClient;
}
