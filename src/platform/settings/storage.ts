// Which storage accounts the app uses: its own state, and the deliveries that consumers read.
import type { Reader } from './reader.ts';
import type { StorageSettings } from './types.ts';

/** The account of the app's own state: `STATE_STORAGE`, else the host's. Without either nothing works. */
export function readState(reader: Reader): StorageSettings | undefined {
  const own = reader.storage('STATE_STORAGE');
  const host = reader.storage('AzureWebJobsStorage');
  const found = own ?? host;
  if (
    found === undefined &&
    reader.problems.every(({ setting }) => !/^(STATE_STORAGE|AzureWebJobsStorage)/.test(setting))
  ) {
    reader.problem(
      'AzureWebJobsStorage',
      'missing; expected a storage connection string or AzureWebJobsStorage__accountName',
    );
  }
  return found;
}

/** The account of the deliveries: `CHANGE_FEED_STORAGE`, else that of the state. */
export function readDeliveries(
  reader: Reader,
  state: StorageSettings | undefined,
): StorageSettings | undefined {
  return reader.storage('CHANGE_FEED_STORAGE') ?? state;
}
