// What is deployed: the bundle and nothing it could do without, the same bytes each time, within its budget.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { unzipSync } from 'fflate';
import { bundleApp } from '../../scripts/bundle.ts';
import { noticesOf, packagesOf } from '../../scripts/notices.ts';
import { bundleBudget, packageOf, writePackage } from '../../scripts/package.ts';

test('the package is the bundle with its manifest, the settings of the host and the licences', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'package-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  await writePackage(directory);
  const zip = readFileSync(join(directory, 'telehealth-functions.zip'));
  const names = ['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'host.json', 'main.cjs', 'package.json'];
  const zipped = unzipSync(zip);
  assert.deepEqual(Object.keys(zipped), names);
  for (const name of names)
    assert.deepEqual(Buffer.from(zipped[name] ?? []), readFileSync(join(directory, 'package', name)), name);
  const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package/package.json'), 'utf8'));
  assert.equal(Reflect.get(manifest as object, 'main'), 'main.cjs');
  assert.equal(Reflect.get(manifest as object, 'dependencies'), undefined);
  assert.ok(existsSync(join(directory, 'maps/main.cjs.map')), 'the source map is kept apart');
});

test('packing again gives the same bytes, in another time zone too', async (t) => {
  const zone = process.env['TZ'];
  t.after(() => {
    process.env['TZ'] = zone ?? '';
  });
  const made = [];
  for (const name of ['Asia/Tokyo', 'America/Los_Angeles']) {
    process.env['TZ'] = name;
    made.push(Buffer.from(packageOf(await bundleApp()).zip));
  }
  assert.ok(made[0]?.equals(made[1] ?? Buffer.alloc(0)));
  assert.equal(made[0].includes(process.cwd()), false, 'no path of this machine');
});

test('a bundle over its budget is not packed', () => {
  const code = new Uint8Array(bundleBudget + 1);
  assert.throws(() => packageOf({ code, inputs: {} }), /has 1400001 bytes, and may have 1400000/);
});

test('the licence of every package in the bundle goes along', async () => {
  const { inputs } = await bundleApp();
  const notices = noticesOf(Object.keys(inputs));
  const packages = packagesOf(Object.keys(inputs));
  assert.ok(packages.length > 20, 'there are some');
  for (const folder of packages)
    assert.match(notices, new RegExp(`^${folder.replace(/^.*node_modules\//, '')} \\d`, 'm'));
  assert.equal(
    packagesOf(['node_modules/a/b.js', 'node_modules/a/node_modules/@x/y/c.js', 'src/d.ts']).length,
    2,
  );
});
