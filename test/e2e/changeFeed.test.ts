// The change feed end to end: a file sent to the imaging service arrives in the container, on the queue and at the webhook.
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import { dicomFile, uidsOf } from '../../local/dicomFiles.ts';
import { apiOf, assertProblem } from '../support/api.ts';
import { startLocalRun } from '../support/localRun.ts';

const event = z.strictObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string(),
  datacontenttype: z.literal('application/json'),
  sequence: z.string(),
  data: z.looseObject({
    partitionName: z.string(),
    imageStudyInstanceUid: z.string(),
    imageSeriesInstanceUid: z.string(),
    imageSopInstanceUid: z.string(),
    serviceHostName: z.string(),
    sequenceNumber: z.number(),
    action: z.string(),
  }),
});
type Event = z.infer<typeof event>;
const reports = z.looseObject({
  services: z.array(
    z.looseObject({
      service: z.string(),
      outcome: z.string(),
      cursor: z.nullable(z.number()),
      deadLetters: z.number(),
      latest: z.nullable(z.number()),
    }),
  ),
});

const local = await startLocalRun();
const api = apiOf(local.run);

async function dicom(method: string, path: string, body?: Buffer): Promise<Response> {
  const headers = {
    authorization: `Bearer ${local.run.demo.dicomBearer}`,
    ...(body ? { 'content-type': 'application/dicom' } : {}),
  };
  return fetch(`${local.run.azure.dicom}${path}`, {
    method,
    headers,
    ...(body ? { body: new Uint8Array(body) } : {}),
  });
}

async function pull(): Promise<z.infer<typeof reports>['services'][number]> {
  const reply = await api.whenFree('POST', 'change-feed/runs');
  assert.equal(reply.status, 200, reply.text);
  const [service] = reply.json(reports).services;
  assert.ok(service);
  return service;
}

async function delivered(): Promise<Event[]> {
  const container = BlobServiceClient.fromConnectionString(local.run.azure.storage).getContainerClient(
    'dicom-changes',
  );
  const events: Event[] = [];
  for await (const blob of container.listBlobsFlat()) {
    const text = (await container.getBlockBlobClient(blob.name).downloadToBuffer()).toString('utf8');
    for (const line of text.trimEnd().split('\n')) events.push(event.parse(JSON.parse(line)));
  }
  return events;
}

async function queued(): Promise<Event[]> {
  const queue = QueueServiceClient.fromConnectionString(local.run.azure.storage).getQueueClient(
    'dicom-changes',
  );
  const events: Event[] = [];
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({
      numberOfMessages: 32,
      visibilityTimeout: 2,
    });
    if (receivedMessageItems.length === 0) return events;
    for (const { messageText, messageId, popReceipt } of receivedMessageItems) {
      events.push(event.parse(JSON.parse(Buffer.from(messageText, 'base64').toString('utf8'))));
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
}

describe('a change in the imaging service', () => {
  test('arrives in the container and on the queue with its UIDs', async () => {
    // What the timer has not delivered yet.
    await pull();
    await queued();
    const image = { study: `e2e ${crypto.randomUUID()}` };
    const uids = uidsOf(image);
    assert.equal((await dicom('POST', '/v2/studies', dicomFile(image))).status, 200);
    assert.equal((await pull()).outcome, 'caught_up');
    for (const events of [await delivered(), await queued()]) {
      const found = events.filter(({ data }) => data.imageSopInstanceUid === uids.sop);
      assert.equal(found.length, 1);
      const [change] = found;
      assert.equal(change?.type, 'Microsoft.HealthcareApis.DicomImageCreated');
      assert.equal(change.source, demo.dicomUrl);
      assert.equal(change.data.imageStudyInstanceUid, uids.study);
      assert.equal(change.data.imageSeriesInstanceUid, uids.series);
      assert.equal(change.data.serviceHostName, new URL(demo.dicomUrl).host);
      assert.equal(change.sequence, String(change.data.sequenceNumber).padStart(19, '0'));
      assert.ok(change.subject.includes(uids.sop));
      assert.equal('metadata' in change.data, false);
    }
  });

  test('is delivered as a deletion when the image goes', async () => {
    const image = { study: `e2e ${crypto.randomUUID()}` };
    const { study, series, sop } = uidsOf(image);
    await dicom('POST', '/v2/studies', dicomFile(image));
    assert.equal(
      (await dicom('DELETE', `/v2/studies/${study}/series/${series}/instances/${sop}`)).status,
      204,
    );
    await pull();
    const types = (await delivered())
      .filter(({ data }) => data.imageSopInstanceUid === sop)
      .map(({ type }) => type);
    assert.deepEqual(types, [
      'Microsoft.HealthcareApis.DicomImageCreated',
      'Microsoft.HealthcareApis.DicomImageDeleted',
    ]);
  });

  test('is delivered once: a pull without news adds nothing', async () => {
    await pull();
    const before = await delivered();
    const service = await pull();
    assert.equal(service.cursor, service.latest);
    assert.deepEqual(await delivered(), before);
    const ids = before.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe('the webhook', () => {
  const ledger = z.looseObject({
    subscriber: z.record(
      z.string(),
      z.object({ changes: z.number(), repeated: z.number(), disordered: z.number() }),
    ),
  });
  const atSubscriber = async (): Promise<unknown> => (await api.state(ledger)).subscriber[demo.dicomUrl];
  const redriven = z.object({
    services: z.array(z.looseObject({ taken: z.number(), refused: z.number(), remaining: z.number() })),
  });
  const redrive = async (): Promise<unknown> => {
    const reply = await api.operation('POST', 'change-feed/dead-letters/redrive', { reason: 'a drill' });
    return reply.json(redriven).services.map(({ taken, refused, remaining }) => [taken, refused, remaining]);
  };

  test('has every change once and in order', async () => {
    const { cursor } = await pull();
    assert.deepEqual(await atSubscriber(), { changes: cursor, repeated: 0, disordered: 0 });
  });

  test('refuses a change: it is kept, the next ones go on, and a redrive brings it', async () => {
    const next = ((await pull()).latest ?? 0) + 1;
    await api.fault({ service: 'subscriber', effect: { refuse: next } });
    for (const name of ['refused', 'next'])
      await dicom('POST', '/v2/studies', dicomFile({ study: `e2e ${name} ${crypto.randomUUID()}` }));
    const service = await pull();
    assert.deepEqual([service.outcome, service.cursor, service.deadLetters], ['caught_up', next + 1, 1]);
    assert.deepEqual(await redrive(), [[0, 1, 1]]);
    await api.clearFaults();
    assert.deepEqual(await redrive(), [[1, 0, 0]]);
    assert.deepEqual(await atSubscriber(), { changes: next + 1, repeated: 0, disordered: 1 });
  });
});

describe('the status', () => {
  test('tells the cursor and what is latest', async () => {
    const service = await pull();
    const [seen] = (await api.operation('GET', 'change-feed')).json(reports).services;
    assert.equal(seen?.service, demo.dicomUrl);
    assert.equal(seen.cursor, service.cursor);
  });

  test('of a service that refuses us says so, and the cursor stays', async () => {
    const before = await pull();
    await api.fault({ service: 'dicom', effect: { revokePermission: 'DICOM Data Reader' } });
    const service = await pull();
    assert.equal(service.outcome, 'forbidden');
    await api.clearFaults();
    assert.equal((await pull()).cursor, before.cursor);
  });
});

describe('moving the cursor', () => {
  test('names what is wrong, and needs to know where it stands', async () => {
    const { cursor } = await pull();
    const body = { service: demo.dicomUrl, sequence: 0, expect: (cursor ?? 0) + 1, reason: 'a drill' };
    assertProblem(await api.operation('PUT', 'change-feed/cursor', body), 409, 'conflict');
    const nameless = await api.operation('PUT', 'change-feed/cursor', { ...body, reason: '' });
    assertProblem(nameless, 400, 'invalid_request');
    assert.match(nameless.text, /reason/);
    for (const [expect, words] of [
      ['none', 'expect: expected a whole number, or null where there is no cursor.'],
      [1.5, 'expect: expected a whole number, or null where there is no cursor.'],
      [-1, 'expect: expected 0 or more.'],
    ] as const) {
      const wrong = await api.operation('PUT', 'change-feed/cursor', { ...body, expect });
      assertProblem(wrong, 400, 'invalid_request');
      assert.match(wrong.text, new RegExp(`"detail":"${words}"`));
    }
  });
});
