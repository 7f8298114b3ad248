// Reads where the webhook is and how its requests are signed.
import { Secret } from '../secret.ts';
import type { WebhookAuth } from './types.ts';

/** Its query may carry a key. The HTTP client would drop a user in it without a word, so that is refused. */
export function webhookUrl(text: string): Secret | undefined {
  const url = /[#\s]/.test(text) ? null : URL.parse(text);
  const plain = url?.protocol === 'https:' && url.username === '' && url.password === '';
  return plain ? new Secret(url.href) : undefined;
}

/** `none`, `entra:<scope>` or `hmac:<identifier of a Key Vault secret>`; with a version in it, a new one would go unseen. */
export function webhookAuth(text: string): WebhookAuth | undefined {
  if (text === 'none') return { kind: 'none' };
  const scope = /^entra:((?:https|api):\/\/\S+\/\.default)$/.exec(text)?.[1];
  if (scope !== undefined) return { kind: 'entra', scope };
  const [, vaultUrl, secretName] =
    /^hmac:(https:\/\/[0-9a-z-]+(?:\.[0-9a-z-]+)+)\/secrets\/([0-9a-zA-Z-]{1,127})\/?$/.exec(text) ?? [];
  return vaultUrl === undefined || secretName === undefined
    ? undefined
    : { kind: 'hmac', vaultUrl, secretName };
}
