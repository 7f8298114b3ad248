// A target is one application's secret under one name in one vault; its id marks every credential made for it.
import { sha256Hex } from '../platform/hash.ts';
import type { ServiceClientSettings } from '../platform/settings/types.ts';

export interface Target {
  readonly client: ServiceClientSettings;
  /** The first 12 hexadecimal characters of SHA-256 of `vault host/secret name/appId`. */
  readonly id: string;
  /** The vault's name, for the words that tell an operator what to do. */
  readonly vaultName?: string | undefined;
}

export function targetOf(client: ServiceClientSettings, vaultUrl: string): Target {
  const vaultHost = new URL(vaultUrl).host.toLowerCase();
  const text = `${vaultHost}/${client.secretName.toLowerCase()}/${client.appId.toLowerCase()}`;
  return { client, id: sha256Hex(text).slice(0, 12), vaultName: vaultHost.split('.')[0] };
}

/** Unique for each mint: `<UTC time>-<6 random>`. */
export function attemptId(nowMs: number, uuid: string): string {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${uuid.replaceAll('-', '').slice(0, 6)}`;
}

/** Set by the mint itself and never changeable later: the record, at Graph, of whose the credential is. */
export function displayNameOf(targetId: string, attempt: string): string {
  return `rotation/v1 ${targetId} ${attempt}`;
}

/** The target that a display name of ours names; undefined for everybody else's names. */
export function targetIdIn(displayName: string | undefined): string | undefined {
  return /^rotation\/v1 ([0-9a-f]{12}) \d{8}T\d{6}Z-[0-9a-z]{6}$/.exec(displayName ?? '')?.[1];
}
