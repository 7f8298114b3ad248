// Sends images to the imaging service of a local run, as a gateway would: each becomes a change in its feed.
import assert from 'node:assert/strict';
import { dicomFile } from '../../local/dicomFiles.ts';
import type { RunFile } from '../../local/runFile.ts';

export async function storeImages(
  {
    azure,
    demo,
  }: { readonly azure: Pick<RunFile['azure'], 'dicom'>; readonly demo: Pick<RunFile['demo'], 'dicomBearer'> },
  studies: readonly string[],
): Promise<void> {
  for (const study of studies) {
    const reply = await fetch(`${azure.dicom}/v2/studies`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demo.dicomBearer}`, 'content-type': 'application/dicom' },
      body: new Uint8Array(dicomFile({ study })),
    });
    assert.equal(reply.status, 200);
  }
}
