// Refusals of the DICOM service: a status and a line of plain text, as its exception middleware writes them.
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** Its message is the whole body, which may be empty. */
export class DicomRefusal extends Error {
  readonly status: ContentfulStatusCode;
  readonly challenge: string | undefined;

  constructor(status: ContentfulStatusCode, message: string, challenge?: string) {
    super(message);
    this.status = status;
    this.challenge = challenge;
  }
}
