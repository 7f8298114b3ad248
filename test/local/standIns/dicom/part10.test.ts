// Reading DICOM files: every encoding the stand-in takes, and every damage it must notice.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { dicomFile } from '../../../../local/dicomFiles.ts';
import { toDicomJson, type DicomJson } from '../../../../local/standIns/dicom/dicomJson.ts';
import { BadDicomFile, readDicomFile } from '../../../../local/standIns/dicom/part10.ts';
import * as dicom from './bytes.ts';
import { element, item, part10, sequenceEnd, uint16, undefinedLength } from './bytes.ts';

function read(file: Buffer): DicomJson {
  return toDicomJson(readDicomFile(file));
}

function refuses(file: Buffer): void {
  assert.throws(() => readDicomFile(file), BadDicomFile);
}

test('implicit, big endian and deflated data sets read the same as explicit little endian', () => {
  const dataset = (syntax: dicom.Syntax): Buffer =>
    Buffer.concat([
      element('00080060', 'CS', 'MR', syntax),
      element('00280010', 'US', uint16(512, syntax.bigEndian), syntax),
      element('00280103', 'US', uint16(0, syntax.bigEndian), syntax),
      element('00280106', 'US', uint16(65535, syntax.bigEndian), syntax),
      element('7FE00010', 'OW', Buffer.alloc(8), syntax),
    ]);
  const expected = read(part10(dicom.explicitLittle, dataset({})));
  assert.deepEqual(expected['00280010'], { vr: 'US', Value: [512] });
  assert.deepEqual(read(part10(dicom.implicitLittle, dataset({ implicit: true }))), expected);
  assert.deepEqual(read(part10(dicom.explicitBig, dataset({ bigEndian: true }))), expected);
  assert.deepEqual(read(part10(dicom.deflated, deflateRawSync(dataset({})))), expected);
});

test('an implicit pixel value is signed when the pixels are, in items too', () => {
  const implicit = { implicit: true };
  const smallest = element('00280106', 'SS', uint16(65535), implicit);
  const file = part10(
    dicom.implicitLittle,
    element('00280103', 'US', uint16(1), implicit),
    smallest,
    element('0040A730', 'SQ', item(smallest), implicit),
  );
  const expected = { vr: 'SS', Value: [-1] };
  assert.deepEqual(read(file)['00280106'], expected);
  assert.deepEqual(read(file)['0040A730']?.Value, [{ '00280106': expected }]);
});

test('implicit private elements have no known type and are dropped, but their creators stay', () => {
  const implicit = { implicit: true };
  const file = part10(
    dicom.implicitLittle,
    element('00090010', 'LO', 'SOMEBODY', implicit),
    element('00091001', 'LO', 'secret', implicit),
  );
  assert.deepEqual(read(file), { '00090010': { vr: 'LO', Value: ['SOMEBODY'] } });
});

test('an explicit private element keeps its type', () => {
  const file = part10(dicom.explicitLittle, element('00091001', 'SH', 'shown'));
  assert.deepEqual(read(file), { '00091001': { vr: 'SH', Value: ['shown'] } });
});

test('sequences nest, with and without lengths, and pixels inside one may look like a delimiter', () => {
  for (const syntax of [{}, { bigEndian: true }, { implicit: true }]) {
    const trap = element('00091002', 'OB', Buffer.from('feff0de000000000', 'hex'), syntax);
    const code = element('00080100', 'SH', 'T-1', syntax);
    const inner = element('0040A043', 'SQ', item(Buffer.concat([code, trap]), syntax, true), syntax);
    const items = Buffer.concat([item(inner, syntax), item(code, syntax, true), sequenceEnd(syntax)]);
    const outer = element('0040A730', 'SQ', items, syntax, undefinedLength);
    const after = element('0040DB00', 'CS', 'END', syntax);
    const uid = syntax.implicit
      ? dicom.implicitLittle
      : syntax.bigEndian
        ? dicom.explicitBig
        : dicom.explicitLittle;
    const expectedCode = { '00080100': { vr: 'SH', Value: ['T-1'] } };
    assert.deepEqual(read(part10(uid, outer, after)), {
      '0040A730': { vr: 'SQ', Value: [{ '0040A043': { vr: 'SQ', Value: [expectedCode] } }, expectedCode] },
      '0040DB00': { vr: 'CS', Value: ['END'] },
    });
  }
});

test('elements of the newer long types do not derail the reader', () => {
  const big = Buffer.alloc(8);
  big.writeBigInt64LE(-5n);
  const file = part10(
    dicom.explicitLittle,
    element('00660129', 'OL', Buffer.alloc(4)),
    element('00720082', 'SV', big),
    element('7FE00001', 'OV', Buffer.alloc(8)),
    element('7FE00020', 'UC', 'still here'),
  );
  assert.deepEqual(read(file), {
    '00720082': { vr: 'SV', Value: [-5] },
    '7FE00020': { vr: 'UC', Value: ['still here'] },
  });
});

test('compressed pixels in fragments are walked through', () => {
  const fragments = Buffer.concat([
    item(Buffer.alloc(0), {}, true),
    item(Buffer.alloc(6, 7), {}, true),
    sequenceEnd(),
  ]);
  const after = element('FFFCFFFC', 'LO', 'END');
  const file = part10(dicom.jpeg2000, element('7FE00010', 'OB', fragments, {}, undefinedLength), after);
  assert.deepEqual(read(file), { FFFCFFFC: { vr: 'LO', Value: ['END'] } });
});

test('a UN of undefined length holds implicit elements, which are dropped with it', () => {
  const hidden = item(element('00080100', 'SH', 'X', { implicit: true }));
  const file = part10(
    dicom.explicitLittle,
    element('00091003', 'UN', Buffer.concat([hidden, sequenceEnd()]), {}, undefinedLength),
    element('00100020', 'LO', 'NOBODY'),
  );
  assert.deepEqual(Object.keys(read(file)), ['00100020']);
});

test('a file without preamble, prefix or transfer syntax is refused', () => {
  const dataset = element('00100020', 'LO', 'NOBODY');
  refuses(Buffer.alloc(0));
  refuses(dataset);
  refuses(part10(dicom.explicitLittle, dataset).subarray(128));
  refuses(Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), dataset]));
  assert.doesNotThrow(() => readDicomFile(part10(dicom.explicitLittle, dataset)));
});

test('a length that goes beyond its file, sequence or item is refused', () => {
  const long = element('00080060', 'CS', 'MR', {}, 200);
  refuses(part10(dicom.explicitLittle, long));
  const leak = element('0040A730', 'SQ', item(element('00080060', 'CS', 'MR', {}, 10), {}, true));
  refuses(part10(dicom.explicitLittle, leak, Buffer.alloc(8), element('00100020', 'LO', 'NOBODY')));
  refuses(
    part10(dicom.explicitLittle, element('0040A730', 'SQ', item(Buffer.alloc(0)), {}, undefinedLength)),
  );
  refuses(
    part10(
      dicom.explicitLittle,
      element('7FE00010', 'OB', item(Buffer.alloc(4), {}, true), {}, undefinedLength),
    ),
  );
  refuses(part10(dicom.explicitLittle, element('00080060', 'ZZ', 'MR')));
  refuses(part10(dicom.implicitLittle, sequenceEnd()));
  refuses(part10(dicom.deflated, Buffer.from('this was never deflated')));
});

test('sequences nested without end are refused instead of exhausting the stack', () => {
  const start = Buffer.concat([
    element('0040A730', 'SQ', '', {}, undefinedLength),
    item(Buffer.alloc(0)).subarray(0, 8),
  ]);
  refuses(part10(dicom.explicitLittle, ...Array.from({ length: 100_000 }, () => start)));
});

test('a whole file that is cut anywhere inside its data set is refused or ends between two elements', () => {
  const file = dicomFile({ study: 'cut' });
  const whole = Object.keys(read(file)).length;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: file.length - 1 }), (length) => {
      try {
        assert.ok(Object.keys(read(file.subarray(0, length))).length <= whole);
      } catch (error) {
        assert.ok(error instanceof BadDicomFile);
      }
    }),
  );
  refuses(file.subarray(0, file.length - 2));
});

test('bytes at random are read or refused, and never crash the reader', () => {
  const file = dicomFile({ study: 'noise' });
  const change = fc.record({ at: fc.integer({ min: 132, max: file.length - 1 }), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const damaged = Buffer.from(file);
      for (const { at, to } of changes) damaged[at] = to;
      try {
        JSON.stringify(read(damaged));
      } catch (error) {
        assert.ok(error instanceof BadDicomFile, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
