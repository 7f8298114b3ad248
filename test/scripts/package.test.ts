// What is deployed: the bundles and nothing they could do without, the same bytes each time, each within its budget.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { unzipSync } from 'fflate';
import { bundleApp, root, type Bundles } from '../../scripts/bundle.ts';
import { packagesOf } from '../../scripts/notices.ts';
import { budgets, packageOf, writePackage } from '../../scripts/package.ts';

test('the package is the bundles with their manifest, the settings of the host and the licences', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'package-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  // What an earlier release left there.
  mkdirSync(join(directory, 'package'));
  writeFileSync(join(directory, 'package/old.cjs'), '');
  await writePackage(directory);
  const zip = readFileSync(join(directory, 'telehealth-functions.zip'));
  const names = [
    ...['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'host.json', 'main.cjs', 'package.json', 'telemetry.cjs'],
  ];
  const zipped = unzipSync(zip);
  assert.deepEqual(Object.keys(zipped), names);
  for (const name of names)
    assert.deepEqual(Buffer.from(zipped[name] ?? []), readFileSync(join(directory, 'package', name)), name);
  assert.deepEqual(readdirSync(join(directory, 'package')).sort(), names.toSorted());
  for (const name of ['LICENSE', 'host.json'])
    assert.deepEqual(Buffer.from(zipped[name] ?? []), readFileSync(join(root, name)), name);
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  assert.deepEqual(JSON.parse(readFileSync(join(directory, 'package/package.json'), 'utf8')), {
    ...{ name, version, license, private: true, type: 'commonjs', main: 'main.cjs' },
  });
  for (const name of ['main', 'telemetry'])
    assert.ok(existsSync(join(directory, `maps/${name}.cjs.map`)), 'the source maps are kept apart');
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
  assert.equal(made[0]?.includes(process.cwd()), false, 'no path of this machine');
});

test('a bundle over its budget is not packed', () => {
  const empty = { code: new Uint8Array(), inputs: {} };
  for (const name of Object.keys(budgets) as (keyof Bundles)[]) {
    const code = new Uint8Array(budgets[name] + 1);
    const bundles = { 'main.cjs': empty, 'telemetry.cjs': empty, [name]: { code, inputs: {} } };
    const words = `${name} has ${budgets[name] + 1} bytes, and may have ${budgets[name]}.`;
    assert.throws(() => packageOf(bundles), new Error(words));
  }
});

test('the licence of every package in the bundles goes along', async () => {
  const bundles = await bundleApp();
  const inputs = Object.values(bundles).flatMap((bundle) => Object.keys(bundle.inputs));
  const notices = new TextDecoder().decode(packageOf(bundles).files['THIRD-PARTY-NOTICES.txt']);
  const packages = packagesOf(inputs);
  assert.ok(packages.length > 20, 'there are some');
  for (const folder of packages)
    assert.match(notices, new RegExp(`^${folder.replace(/^.*node_modules\//, '')} \\d`, 'm'));
  assert.equal(
    packagesOf(['node_modules/a/b.js', 'node_modules/a/node_modules/@x/y/c.js', 'src/d.ts']).length,
    2,
  );
});

test('OpenTelemetry is in the second bundle alone, and nothing of it asks the environment or reports on itself', async () => {
  const { 'main.cjs': main, 'telemetry.cjs': telemetry } = await bundleApp();
  const inside = /node_modules\/(@opentelemetry|@azure\/monitor-opentelemetry-exporter)\//;
  assert.deepEqual(
    Object.keys(main.inputs).filter((path) => inside.test(path)),
    [],
  );
  const code = new TextDecoder().decode(telemetry.code);
  assert.ok(Object.keys(telemetry.inputs).some((path) => inside.test(path)));
  assert.doesNotMatch(code, /process\.env/);
  // In place of it stands what keeps the exporter from reporting on itself.
  for (const name of ['NO_STATSBEAT', 'SDKSTATS_DISABLED', 'OPENTELEMETRY_RESOURCE_METRIC_DISABLED'])
    assert.match(code, new RegExp(`\\bAPPLICATION_?INSIGHTS_${name}:"true"`));
  assert.doesNotMatch(code, /makeOneSettingsRequest|OneSettings change/);
});
