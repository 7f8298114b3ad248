// Remembers in a table row that a service's cursor was made, and its highest epoch: without it a lost cursor would look new.
import type { TableClient } from '@azure/data-tables';
import * as z from 'zod/mini';
import { isoTime, type Clock } from '../platform/clock.ts';
import { storageFailure, withCreate } from '../platform/storage.ts';

const rowShape = z.object({ epoch: z.int().check(z.nonnegative()) });

export class Birth {
  readonly #table: TableClient;
  readonly #service: string;
  readonly #host: string;
  readonly #clock: Clock;
  #known = false;

  /** `service` is the normalised URL. */
  constructor(table: TableClient, service: string, clock: Clock) {
    this.#table = table;
    this.#service = service;
    this.#host = new URL(service).host;
    this.#clock = clock;
  }

  /** The highest epoch the cursor had; undefined only when there certainly is no row. */
  async epoch(): Promise<number | undefined> {
    try {
      return rowShape.parse(await this.#table.getEntity(this.#host, 'cursor')).epoch;
    } catch (error) {
      const { code } = storageFailure(error);
      if (code === 'ResourceNotFound' || code === 'TableNotFound') return undefined;
      throw error;
    }
  }

  async write(epoch: number): Promise<void> {
    const time = isoTime(this.#clock.now());
    const row = { partitionKey: this.#host, rowKey: 'cursor', service: this.#service, epoch, time };
    await withCreate(
      () => this.#table.createTable(),
      () => this.#table.upsertEntity(row, 'Replace'),
    );
    this.#known = true;
  }

  /** Writes the row where there is none; asks once per process. */
  async ensure(epoch: number): Promise<void> {
    if (this.#known) return;
    if ((await this.epoch()) === undefined) await this.write(epoch);
    this.#known = true;
  }
}
