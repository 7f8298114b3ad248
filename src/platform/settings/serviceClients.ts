// The form of SERVICE_CLIENTS: several service clients as JSON, each part judged, the wrong one named.
import * as z from 'zod/mini';

const guid = z.string().check(z.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i));

const clientSchema = z.array(
  z.strictObject({
    appId: guid,
    tenantId: guid,
    secretName: z.string().check(z.regex(/^[0-9a-zA-Z-]{1,127}$/)),
    validityDays: z.optional(z.int().check(z.minimum(1), z.maximum(180))),
    beforeDays: z.optional(z.int().check(z.minimum(1), z.maximum(179))),
    overlapHours: z.optional(z.int().check(z.minimum(25), z.maximum(4320))),
    retire: z.optional(z.enum(['remove', 'expire'])),
  }),
);
export type ServiceClientInput = z.infer<typeof clientSchema>[number];

function judgeClients(text: string): readonly ServiceClientInput[] | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'no JSON';
  }
  const parsed = clientSchema.safeParse(json);
  if (parsed.success) return parsed.data.length > 0 ? parsed.data : 'an empty array';
  const [issue] = parsed.error.issues;
  const [index, ...path] = issue?.path ?? [];
  const place = [index === undefined ? '' : `[${String(index)}]`, ...path.map(String)]
    .filter(Boolean)
    .join('.');
  const keys = issue?.code === 'unrecognized_keys' ? ` (unknown: ${issue.keys.join(', ')})` : '';
  return `a bad ${place || 'value'}${keys}`;
}

export function parseClients(text: string): readonly ServiceClientInput[] | undefined {
  const judged = judgeClients(text);
  return typeof judged === 'string' ? undefined : judged;
}

/** Which part is wrong; the setting's row says what is expected. */
export function explainClients(text: string): string {
  const judged = judgeClients(text);
  return typeof judged === 'string' ? judged : 'nothing wrong';
}
