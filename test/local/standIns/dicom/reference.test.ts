// Real files of the pydicom project against the DICOM JSON that DCMTK makes of them, where a copy lies beside the repository.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { toDicomJson } from '../../../../local/standIns/dicom/dicomJson.ts';
import { BadDicomFile, readDicomFile } from '../../../../local/standIns/dicom/part10.ts';

const folder = new URL('../../../../../shared/dicom/', import.meta.url);
const damaged = ['MR_truncated.dcm', 'no_meta.dcm'];

function files(context: TestContext): readonly string[] {
  if (existsSync(folder)) return readdirSync(folder).filter((file) => file.endsWith('.dcm'));
  context.diagnostic('NOT COMPARED: there are no real DICOM files in ../shared/dicom');
  return [];
}

function read(file: string): unknown {
  return toDicomJson(readDicomFile(readFileSync(new URL(file, folder))));
}

/**
 * Numbers are equal when they are the same single-precision number: DCMTK writes an FL with nine digits
 * (-77.2040634), JavaScript writes the double that the same four bytes stand for (-77.20406341552734).
 */
function comparable(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json), (key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('vr' in value) || value.vr !== 'FL') return value;
    const { Value } = value as { Value?: number[] };
    return { ...value, Value: Value?.map(Math.fround) };
  });
}

test('every real file with a reference gives the same JSON as DCMTK', (context) => {
  for (const file of files(context)) {
    const reference = new URL(`reference/${file.replace('.dcm', '.json')}`, folder);
    if (!existsSync(reference)) continue;
    const expected = JSON.parse(readFileSync(reference, 'utf8')) as unknown;
    assert.deepEqual(comparable(read(file)), comparable(expected), file);
  }
});

test('real files are read, and damaged ones are refused', (context) => {
  for (const file of files(context)) {
    if (damaged.includes(file)) assert.throws(() => read(file), BadDicomFile, file);
    else assert.match(JSON.stringify(read(file)), /"00080018":\{"vr":"UI","Value":\["[\d.]+"\]\}/, file);
  }
});
