// What an operator does with the replays of a feed in memory, and what the audit then says.
import { createReplayOperations, type ReplayOperations } from '../../src/changeFeed/replayOperations.ts';
import type { ReplayReport } from '../../src/changeFeed/replayReport.ts';
import type { ReplayRequest } from '../../src/changeFeed/replayRequest.ts';
import type { Audit, AuditEntry } from '../../src/platform/audit.ts';
import type { ReplayStore } from '../../src/changeFeed/replayStore.ts';
import { service, type FeedWorld } from './feedWorld.ts';

export class ReplayDesk {
  readonly audited: AuditEntry[] = [];
  readonly #world: FeedWorld;
  #started = 0;

  constructor(world: FeedWorld) {
    this.#world = world;
  }

  /** Answers its id. */
  async start(request: ReplayRequest, url = service): Promise<string> {
    const started = { service: url, reason: 'a drill', ...request };
    return (await this.#operations().startReplay(started, 'key', this.#run)).id;
  }

  async look(id: string, store?: ReplayStore): Promise<ReplayReport> {
    return this.#operations(store).replay(id);
  }

  async cancel(id: string, store?: ReplayStore): Promise<ReplayReport> {
    return this.#operations(store).cancelReplay(id, undefined, 'key', this.#run);
  }

  readonly #run = { requestId: 'test', signal: new AbortController().signal, remainingMs: () => 60_000 };

  #operations(store = this.#world.shelf.store()): ReplayOperations {
    // The operator's call is answered by another process than the one that may be about to die.
    const parts = { ...this.#world.parts(), replays: store };
    const audit: Audit = {
      record: (entry, action) => {
        this.audited.push(entry);
        return action();
      },
    };
    // Those of one moment do not sort as they were begun.
    const uuid = (): string => (0xffffffff - (this.#started += 1)).toString(16);
    return createReplayOperations([parts], audit, { clock: parts.clock, uuid });
  }
}
