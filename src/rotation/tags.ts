// The tags of a secret version: which credential it carries, in the names that Microsoft's own samples use, and whose it is.
import { isoTime } from '../platform/clock.ts';

export interface VersionTags {
  readonly keyId: string;
  /** Object id of the application. */
  readonly objectId: string;
  readonly appId: string;
  readonly validityDays: number;
  /** The mint's attempt; absent for an adopted credential. */
  readonly attempt?: string;
  /** When Entra last accepted the secret before the version was written. */
  readonly verifiedAt: number;
}

export function tagsFor(tags: VersionTags): Record<string, string> {
  return {
    CredentialId: tags.keyId,
    ProviderAddress: tags.objectId,
    ValidityPeriodDays: String(tags.validityDays),
    'rotation-app': tags.appId,
    ...(tags.attempt === undefined ? {} : { 'rotation-id': tags.attempt }),
    'rotation-verified': isoTime(tags.verifiedAt),
  };
}

export function tagsOf(tags: Readonly<Record<string, string>>): {
  readonly credentialId: string | undefined;
  readonly taggedApp: string | undefined;
} {
  return {
    credentialId: tags['CredentialId']?.trim().toLowerCase() || undefined,
    taggedApp: tags['rotation-app'],
  };
}
