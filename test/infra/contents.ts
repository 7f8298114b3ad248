// What the deployment makes in the accounts of the app before the app runs, since no identity of it may.
import { Secret } from '../../src/platform/secret.ts';
import { createStorage } from '../../src/platform/storage.ts';
import contents from '../../infra/storage.json' with { type: 'json' };

/** Names that are the values of settings, as the sample and the defaults have them. */
export const settingNames: Readonly<Record<string, string>> = {
  ...{ CHANGE_FEED_CONTAINER: 'dicom-changes', CHANGE_FEED_QUEUE: 'dicom-changes' },
};

export async function makeContents(connectionString: string): Promise<void> {
  const open = createStorage(
    { kind: 'connectionString', connectionString: new Secret(connectionString) },
    () => {
      throw new Error('a connection string needs no credential');
    },
  );
  for (const { kind, name } of contents.filter(({ account }) => account !== 'host')) {
    const own = settingNames[name] ?? name;
    if (kind === 'container') await open.container(own).create();
    if (kind === 'queue') await open.queue(own).create();
    if (kind === 'table') await open.table(own).createTable();
  }
}
