// Reads CloudEvents 1.0 from the body of a request as a strict consumer does, and refuses what is not quite one.
import * as z from 'zod/mini';

/** What the request is answered with. */
export class Unacceptable extends Error {
  readonly status: 400 | 401 | 404 | 405 | 413 | 415 | 422;

  constructor(status: Unacceptable['status'], message: string) {
    super(message);
    this.status = status;
  }
}

const text = z.string().check(z.minLength(1));
const uid = z.string().check(z.regex(/^(0|[1-9]\d*)(\.(0|[1-9]\d*))*$/), z.maxLength(64));

/** Strict: an attribute that nobody announced is as wrong as one that is missing. */
const eventShape = z.strictObject({
  specversion: z.literal('1.0'),
  id: z.string().check(z.regex(/^[1-9]\d*\.[1-9]\d*$/)),
  source: z.url(),
  type: z.string().check(z.regex(/^Microsoft\.HealthcareApis\.DicomImage(Created|Updated|Deleted|Changed)$/)),
  subject: z
    .string()
    .check(z.regex(/^\/v2\/(partitions\/[^/]+\/)?studies\/[^/]+\/series\/[^/]+\/instances\/[^/]+$/)),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json'),
  sequence: z.string().check(z.regex(/^\d{19}$/)),
  late: z.optional(z.literal(true)),
  data: z.strictObject({
    partitionName: text,
    imageStudyInstanceUid: uid,
    imageSeriesInstanceUid: uid,
    imageSopInstanceUid: uid,
    serviceHostName: text,
    sequenceNumber: z.int().check(z.positive()),
    action: text,
    state: text,
    filePath: z.optional(text),
    metadata: z.optional(z.record(z.string().check(z.regex(/^[0-9A-F]{8}$/)), z.unknown())),
    metadataError: z.optional(text),
  }),
});
export type SubscriberEvent = z.output<typeof eventShape>;

const forms = new Map<string, z.ZodMiniType<SubscriberEvent | SubscriberEvent[]>>([
  ['application/cloudevents+json', eventShape],
  ['application/cloudevents-batch+json', z.array(eventShape).check(z.minLength(1))],
]);

/** Throws `Unacceptable`: 415 for another type, 400 for what is not what the type says. */
export function readEvents(contentType: string, body: Buffer): readonly SubscriberEvent[] {
  const [, type = ''] = /^([a-z0-9/+.-]+)(?: *; *charset=utf-8)?$/i.exec(contentType) ?? [];
  const form = forms.get(type.toLowerCase());
  if (!form) throw new Unacceptable(415, 'CloudEvents as JSON are taken, one or a batch, in UTF-8.');
  const parsed = form.safeParse(parseJson(body));
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path }) => path.map(String).join('.') || 'the event');
    throw new Unacceptable(400, `Not as expected: ${[...new Set(fields)].join(', ')}.`);
  }
  const events = [parsed.data].flat();
  for (const event of events) checkAgreement(event);
  if (new Set(events.map(({ source, id }) => `${source} ${id}`)).size < events.length)
    throw new Unacceptable(400, 'One event twice in a batch.');
  return events;
}

/** An event says some things twice, in its attributes and in its data. */
function checkAgreement({ id, source, sequence, subject, data }: SubscriberEvent): void {
  const agreed =
    id.split('.')[1] === String(data.sequenceNumber) &&
    Number(sequence) === data.sequenceNumber &&
    new URL(source).host === data.serviceHostName &&
    [data.imageStudyInstanceUid, data.imageSeriesInstanceUid, data.imageSopInstanceUid].every((one) =>
      subject.includes(`/${one}`),
    );
  if (!agreed) throw new Unacceptable(400, 'The attributes and the data do not agree.');
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new Unacceptable(400, 'Not JSON in UTF-8.');
  }
}
