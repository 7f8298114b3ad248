// Leases in real storage: one holder, renewed in the background, and honest about being lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acquireLease, type Lease } from '../../src/platform/lease.ts';
import { leaseMarginMs, leaseRenewMs, leaseSeconds } from '../../src/platform/limits.ts';
import { startStorage, type Fate } from '../support/azurite.ts';
import { eventually, ManualClock } from '../support/clock.ts';

const storage = await startStorage();
const vouchedMs = leaseSeconds * 1000 - leaseMarginMs;

interface Held {
  readonly lease: Lease;
  readonly clock: ManualClock;
  /** Sent renewals so far. */
  readonly renewals: () => number;
}

/** Takes the lease in a container of its own; `fate` decides over each renewal by its number. */
async function hold(name: string, fate: (number: number) => Fate = () => undefined): Promise<Held> {
  let count = 0;
  const container = await storage.container(name, ({ headers }) => {
    if (headers['x-ms-lease-action'] !== 'renew') return undefined;
    count += 1;
    return fate(count);
  });
  const clock = new ManualClock();
  const lease = await acquireLease(container, 'run.lock', clock, { makeAbsent: true });
  assert.ok(lease);
  return { lease, clock, renewals: () => count };
}

const other = async (name: string, makeAbsent = false): Promise<Lease | undefined> =>
  acquireLease(await storage.container(name), 'run.lock', new ManualClock(), { makeAbsent });

/** Moves to the next renewal and waits until it was answered and the keeper sleeps again. */
async function renew({ clock, renewals }: Held): Promise<void> {
  const before = renewals();
  await clock.advance(leaseRenewMs);
  await eventually('a renewal', () => renewals() > before);
  await eventually('its answer', () => clock.sleeping === 1);
}

test('where there is no blob one is made, if that is wanted', async () => {
  await assert.rejects(other('unmade'), { statusCode: 404 });
  await (await storage.container('unmade')).create();
  await assert.rejects(other('unmade'), { statusCode: 404 });
  const lease = await other('unmade', true);
  assert.ok(lease);
  assert.ok(lease.vouches());
  await lease.release();
});

test('a second one does not get it, until it is given back', async () => {
  const { lease, clock } = await hold('second');
  assert.equal(await other('second', true), undefined);
  await lease.release();
  assert.equal(clock.sleeping, 0);
  const next = await other('second');
  assert.ok(next);
  await next.release();
});

test('of several at once exactly one gets it, also where the blob is still to be made', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => other('several', true)));
  const held = all.filter((lease) => lease !== undefined);
  assert.equal(held.length, 1);
  await Promise.all(held.map((lease) => lease.release()));
});

test('it vouches until ten seconds before its end, and no longer', async () => {
  const { lease, clock } = await hold('vouches', () => 503);
  await clock.advance(vouchedMs - 1);
  assert.ok(lease.vouches());
  await clock.advance(1);
  assert.ok(!lease.vouches());
  await lease.release();
});

test('it is renewed in the background and vouches on', async () => {
  const held = await hold('renewed');
  for (let round = 1; round <= 5; round += 1) await renew(held);
  assert.equal(held.renewals(), 5);
  assert.ok(held.lease.vouches());
  assert.ok(!held.lease.lost.aborted);
  await held.lease.release();
});

test('a renewal that fails in passing does not lose it', async () => {
  const held = await hold('passing', (number) => (number <= 3 ? 503 : undefined));
  await held.clock.advance(leaseRenewMs);
  await eventually('three failed tries', () => held.renewals() === 3);
  await eventually('the end of the renewal', () => held.clock.sleeping === 1);
  assert.ok(!held.lease.lost.aborted);
  await renew(held);
  await held.clock.advance(vouchedMs - leaseRenewMs);
  assert.ok(held.lease.vouches());
  await held.lease.release();
});

test('renewals that keep failing lose it when it no longer vouches', async () => {
  const held = await hold('silent', () => 503);
  await renew(held);
  assert.ok(!held.lease.lost.aborted);
  await held.clock.advance(vouchedMs);
  await eventually('the loss', () => held.lease.lost.aborted);
  assert.ok(!held.lease.vouches());
});

test('a lease that somebody else holds by now is lost at once', async () => {
  const held = await hold('taken');
  const blob = (await storage.container('taken')).getBlobClient('run.lock');
  await blob.getBlobLeaseClient().breakLease(0);
  const thief = await other('taken');
  assert.ok(thief);
  await held.clock.advance(leaseRenewMs);
  await eventually('the loss', () => held.lease.lost.aborted);
  assert.ok(!held.lease.vouches());
  assert.equal(held.clock.sleeping, 0);
  await held.lease.release();
  assert.equal(await other('taken'), undefined);
  await thief.release();
});

test('a renewal that the service refuses is final', async () => {
  for (const status of [404, 409, 412]) {
    const held = await hold(`refused-${String(status)}`, () => status);
    await held.clock.advance(leaseRenewMs);
    await eventually('the loss', () => held.lease.lost.aborted);
    assert.equal(held.renewals(), 1);
    await held.lease.release();
  }
});

test('giving back never throws, and stops the renewals', async () => {
  const held = await hold('release');
  await (await storage.container('release')).delete();
  await held.lease.release();
  await held.lease.release();
  assert.equal(held.clock.sleeping, 0);
  assert.equal(held.renewals(), 0);
});
