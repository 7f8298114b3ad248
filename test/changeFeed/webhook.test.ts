// The webhook sink against a strict receiver: what it sends, and what it makes of each answer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { demo } from '../../local/demo.ts';
import type { Answer } from '../../src/changeFeed/sink.ts';
import { feedWebhookBatchBytes, feedWebhookTries } from '../../src/platform/limits.ts';
import { Secret } from '../../src/platform/secret.ts';
import {
  asked,
  cloud,
  deliver,
  eventsOf,
  offer,
  one,
  received,
  sinkWith,
  stopOf,
  waits,
} from './webhookStage.ts';

describe('what is sent', () => {
  test('one event a request in the structured mode, in order', async () => {
    const before = asked();
    await deliver(sinkWith(), eventsOf(3));
    assert.equal(asked() - before, 3);
    assert.deepEqual(
      received.map(({ id }) => id),
      ['1.1', '1.2', '1.3'],
    );
  });

  test('many events a request in the batched mode, in order, bounded in number and bytes', async () => {
    const sink = sinkWith({ mode: 'batched' });
    const before = asked();
    const events = eventsOf(230);
    await deliver(sink, events);
    assert.equal(asked() - before, 3);
    assert.deepEqual(received, JSON.parse(JSON.stringify(events)));
    const large = eventsOf(5, {
      '00104000': { vr: 'LT', Value: ['x'.repeat(feedWebhookBatchBytes / 2 - 2_000)] },
    });
    const huge = eventsOf(1, { '00104000': { vr: 'LT', Value: ['x'.repeat(feedWebhookBatchBytes * 2)] } });
    assert.deepEqual(
      sink.portions([...large, ...huge, one]).map(({ length }) => length),
      [2, 2, 1, 1, 1],
    );
    for (const portion of sink.portions([...large, one]))
      assert.ok(Buffer.byteLength(JSON.stringify(portion)) <= feedWebhookBatchBytes);
  });

  test('nothing once the guard refuses, not even a second try', async () => {
    cloud.faults.add({ service: 'subscriber', effect: { status: 503 } });
    const before = asked();
    let left = 2;
    const guard = (): undefined => {
      left -= 1;
      if (left < 0) throw new Error('the lease is gone');
    };
    await assert.rejects(sinkWith().offer([one], { ...offer, guard }), /lease is gone/);
    assert.equal(asked() - before, 2);
  });
});

describe('what an answer means', () => {
  const answers = async (effect: object): Promise<Answer> => {
    cloud.faults.clear();
    cloud.faults.add({ service: 'subscriber', effect });
    return sinkWith().offer([one], offer);
  };
  const html = '<!DOCTYPE html>\n<html><title>Sign in</title></html>';

  test('any 2xx takes the change, with whatever short text', async () => {
    for (const status of [200, 201, 202, 204, 299])
      assert.equal((await answers({ status })).kind, 'taken', String(status));
    const page = { status: 200, headers: { 'content-type': 'text/html' } };
    assert.equal((await answers({ ...page, body: 'OK' })).kind, 'taken');
  });

  test('400, 413 and 422 refuse it', async () => {
    for (const status of [400, 413, 422])
      assert.deepEqual(await answers({ status }), { kind: 'refused', status });
  });

  test('everything else means that the receiver is down, at once where no time mends it', async () => {
    for (const status of [301, 302, 307, 308, 402, 403, 404, 405, 410, 415]) {
      const before = asked();
      const headers = status < 400 ? { location: demo.webhookUrl } : {};
      const stop = await stopOf(answers({ status, headers }));
      assert.match(stop.message, new RegExp(`it answered ${status}`));
      assert.equal(asked() - before, 1, `${status} is neither followed nor repeated`);
    }
    for (const page of [html, ` <!-- x -->\n<html lang="en">`, '\uFEFF<?xml version="1.0"?><!doctype HTML>'])
      assert.match((await stopOf(answers({ status: 200, body: page }))).message, /web page/);
    assert.match((await stopOf(answers({ status: 200, body: 'x'.repeat(2 ** 21) }))).message, /read/);
    assert.match((await stopOf(answers({ status: 401 }))).advice, /CHANGE_FEED_WEBHOOK_AUTH/);
  });

  test('what may pass is tried a few times, with growing pauses', async () => {
    for (const effect of [
      { status: 500 },
      { status: 503 },
      { status: 429 },
      { status: 408 },
      { drop: 'before' },
    ]) {
      waits.length = 0;
      const before = asked();
      const stop = await stopOf(answers(effect));
      assert.equal(asked() - before, feedWebhookTries, JSON.stringify(effect));
      assert.deepEqual(waits, [1000, 2000, 4000]);
      if ('drop' in effect) assert.match(stop.message, /ECONNRESET/);
    }
    cloud.faults.clear();
    cloud.faults.add({ service: 'subscriber', times: 2, effect: { status: 502 } });
    assert.equal((await sinkWith().offer([one], offer)).kind, 'taken');
  });

  test('a receiver that cannot be reached is told by a code alone', async () => {
    const sink = sinkWith({ url: new Secret('https://canary.example/canary?sig=canary') });
    assert.match((await stopOf(sink.offer([one], offer))).message, /\(EBLOCKED\)/);
  });

  test('Retry-After is waited for within the budget, and told beyond it', async () => {
    cloud.faults.add({
      service: 'subscriber',
      times: 1,
      effect: { status: 429, headers: { 'retry-after': '12' } },
    });
    assert.equal((await sinkWith().offer([one], offer)).kind, 'taken');
    assert.deepEqual(waits, [12_000]);
    const stop = await stopOf(answers({ status: 503, headers: { 'retry-after': '56' } }));
    assert.equal(stop.retryAfterSeconds, 56);
    assert.deepEqual(waits, [12_000]);
  });

  test('a caller who gives up is not answered that the receiver is down', async () => {
    const gone = AbortSignal.abort(new Error('shutting down'));
    await assert.rejects(sinkWith().offer([one], { ...offer, signal: gone }), /shutting down/);
  });
});
