// Reads where telemetry goes and how its senders sign in.
import { Secret } from '../secret.ts';

/** The base of an OTLP receiver, without a trailing slash: `/v1/traces` and `/v1/metrics` follow it. */
export function otlpEndpoint(text: string): string | undefined {
  const url = /[?#@\s]/.test(text) ? null : URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return url.href.replace(/\/+$/, '');
}

/** `name=value` pairs with percent-encoded values, as OpenTelemetry writes them; the values are secrets. */
export function otlpHeaders(text: string): Readonly<Record<string, Secret>> | undefined {
  const headers: Record<string, Secret> = {};
  for (const pair of text.split(',')) {
    const [, name, encoded = ''] = /^\s*([\w.-]+)\s*=\s*(\S.*)$/.exec(pair) ?? [];
    const value = decoded(encoded);
    if (name === undefined || value === undefined) return undefined;
    headers[name.toLowerCase()] = new Secret(value);
  }
  return headers;
}

/** Undefined for what no header can carry. */
function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text.trim());
    return /^[\x20-\x7e]+$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The exporter throws away a string with any part that it cannot read (measured): judged here. */
export function applicationInsights(text: string): Secret | undefined {
  const pairs = text
    .replace(/;$/, '')
    .split(';')
    .map((pair) => /^\s*(\w+)\s*=\s*([^=]+)$/.exec(pair)?.slice(1));
  if (pairs.includes(undefined)) return undefined;
  const parts = new Map(pairs.map(([name = '', value = ''] = []) => [name.toLowerCase(), value.trim()]));
  const key = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(parts.get('instrumentationkey') ?? '');
  const endpoint = parts.get('ingestionendpoint');
  const reachable = endpoint === undefined || URL.parse(endpoint)?.protocol === 'https:';
  return key && reachable ? new Secret([...parts].map((pair) => pair.join('=')).join(';')) : undefined;
}

export interface MonitorSignIn {
  /** Of a user-assigned identity. */
  readonly clientId?: string | undefined;
}

/** `Authorization=AAD`, with `ClientId=<GUID>` for a user-assigned identity, in any order. */
export function monitorSignIn(text: string): MonitorSignIn | undefined {
  const parts = text.replace(/;$/, '').split(';');
  const ids = parts.flatMap(
    (part) => /^ClientId=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(part)?.[1] ?? [],
  );
  const signsIn = parts.filter((part) => /^Authorization=AAD$/i.test(part)).length === 1;
  if (!signsIn || ids.length + 1 !== parts.length || ids.length > 1) return undefined;
  return { clientId: ids[0] };
}
