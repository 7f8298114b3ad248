// Which account holds the audit, and as whom it is read: that of the app's settings, or one that is named without any.
import { readCredential } from '../../src/platform/settings/callers.ts';
import { Reader } from '../../src/platform/settings/reader.ts';
import type { CredentialSettings, Settings, StorageSettings } from '../../src/platform/settings/types.ts';
import { UsageError } from '../commandLine.ts';
import { blobAccount } from '../here/blobAccount.ts';
import { openSource } from '../here/source.ts';
import type { AuditSource } from './options.ts';

export interface AuditAccount {
  readonly state: StorageSettings;
  readonly credential: CredentialSettings;
}

/** `environment` as for `openSource`. Throws `UsageError` where the settings lead to no account. */
export function accountOf(
  source: AuditSource,
  environment: Record<string, string | undefined>,
): AuditAccount {
  if (source.kind !== 'account') return stateIn(openSource(source, environment));
  return { state: blobAccount(source.blobUri), credential: readCredential(new Reader(environment)) };
}

/** All capabilities keep their records in one account. */
function stateIn({ communication, rotation, changeFeed }: Settings): AuditAccount {
  for (const section of [communication, rotation, changeFeed])
    if (section.state === 'on') return section.value;
  throw new UsageError('The settings configure no capability: npm run doctor names what is wrong with them.');
}
