// DICOM JSON of single elements: empty ones, names, numbers, character sets, and what is left out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDicomJson, type DicomJson } from '../../../../local/standIns/dicom/dicomJson.ts';
import { readDicomFile } from '../../../../local/standIns/dicom/part10.ts';
import { bytesOf, personNames } from '../../../support/personNames.ts';
import { element, explicitLittle, item, part10, uint16 } from './bytes.ts';

function read(...dataset: Buffer[]): DicomJson {
  return toDicomJson(readDicomFile(part10(explicitLittle, ...dataset)));
}

function name(charset: string, bytes: Buffer): unknown {
  const json = read(element('00080005', 'CS', charset), element('00100010', 'PN', bytes));
  return json['00100010']?.Value?.[0];
}

test('an element without a value has only its type', () => {
  const empty = ['CS', 'PN', 'DA', 'DS', 'IS', 'LT', 'US', 'FD', 'AT', 'SQ', 'UI', 'UT'];
  for (const vr of empty) assert.deepEqual(read(element('00089999', vr, '')), { '00089999': { vr } });
  assert.deepEqual(read(element('00089999', 'DS', '  ')), { '00089999': { vr: 'DS' } });
});

test('an empty value among others is null', () => {
  assert.deepEqual(read(element('00080008', 'CS', 'A\\\\C'))['00080008']?.Value, ['A', null, 'C']);
});

test('padding goes, text keeps its backslashes, and lists are split at theirs', () => {
  assert.deepEqual(read(element('00080008', 'CS', ' A \\ B '))['00080008']?.Value, ['A', 'B']);
  assert.deepEqual(read(element('00080018', 'UI', '2.25.1'))['00080018']?.Value, ['2.25.1']);
  for (const vr of ['LT', 'ST', 'UT', 'UR']) {
    assert.deepEqual(read(element('00204000', vr, ' a\\b '))['00204000']?.Value, [' a\\b']);
  }
});

test('numbers in text become numbers, and stay text where they are none', () => {
  assert.deepEqual(
    read(element('00200032', 'DS', '-83.9063\\1e-3\\ 7 \\+2'))['00200032']?.Value,
    [-83.9063, 0.001, 7, 2],
  );
  assert.deepEqual(read(element('00200013', 'IS', '12\\x'))['00200013']?.Value, [12, 'x']);
});

test('binary numbers come out exactly, and those that JSON has no number for as text', () => {
  const floats = Buffer.alloc(32);
  [1.5, Number.NaN, Infinity, -Infinity].forEach((one, n) => floats.writeDoubleLE(one, n * 8));
  assert.deepEqual(read(element('00189999', 'FD', floats))['00189999']?.Value, [1.5, 'NaN', 'inf', '-inf']);
  const longs = Buffer.alloc(16);
  longs.writeBigUInt64LE(9007199254740993n, 0);
  longs.writeBigUInt64LE(9007199254740991n, 8);
  assert.deepEqual(read(element('00189999', 'UV', longs))['00189999']?.Value, [
    '9007199254740993',
    9007199254740991,
  ]);
  const tags = Buffer.concat([uint16(0x0018), uint16(0x106a), uint16(0x7fe0), uint16(0x0010)]);
  assert.deepEqual(read(element('00280009', 'AT', tags))['00280009']?.Value, ['0018106A', '7FE00010']);
  assert.deepEqual(read(element('00289999', 'SS', uint16(65534)))['00289999']?.Value, [-2]);
});

test('a person name has up to three groups, without the carets that say nothing', () => {
  assert.deepEqual(name('ISO_IR 192', Buffer.from('Wang^XiaoDong=王^小東=')), {
    Alphabetic: 'Wang^XiaoDong',
    Ideographic: '王^小東',
  });
  assert.deepEqual(name('', Buffer.from('==phonetic^only')), { Phonetic: 'phonetic^only' });
  assert.equal(name('', Buffer.from('^^^^')), undefined);
});

test('names in all character sets become Unicode, and the character set says so', () => {
  for (const person of personNames)
    assert.deepEqual(name(person.charset, bytesOf(person)), person.name, `${person.charset} ${person.bytes}`);
  assert.deepEqual(read(element('00080005', 'CS', '\\ISO 2022 IR 87')), {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
  });
});

test('text beyond ASCII without a character set, or with an unknown one, is read as Latin-1', () => {
  for (const charset of ['', 'ISO_IR 999'])
    assert.deepEqual(name(charset, Buffer.from('c4', 'hex')), { Alphabetic: 'Ä' });
});

test('each value of a list begins with the first set, other texts only after a line break', () => {
  const text = (vr: string, bytes: string): unknown =>
    read(
      element('00080005', 'CS', 'ISO 2022 IR 100\\ISO 2022 IR 144'),
      element('00081048', vr, Buffer.from(bytes, 'latin1')),
    )['00081048']?.Value;
  assert.deepEqual(text('LO', '\x1b-L\xb8\\\xc4^=\x1b-L\xb8^=\xb8'), ['И', 'Ä^=И^=И']);
  assert.deepEqual(text('LT', '\x1b-L\xb8\\\xb8^=\xb8\r\n\xc4'), ['И\\И^=И\r\nÄ']);
});

test('an escape sequence that is unknown or cut off stays in the text, and half a character is none', () => {
  assert.deepEqual(name('\\ISO 2022 IR 87', Buffer.from('A\x1b$Z', 'latin1')), { Alphabetic: 'A\x1b$Z' });
  assert.deepEqual(name('\\ISO 2022 IR 87', Buffer.from('\x1b$B$?$', 'latin1')), { Alphabetic: 'た\uFFFD' });
});

test('an item inherits the character set of its file, or brings its own', () => {
  const text = (hex: string): Buffer => element('00080104', 'LO', Buffer.from(hex, 'hex'));
  const own = Buffer.concat([element('00080005', 'CS', 'ISO_IR 100'), text('c4')]);
  const items = Buffer.concat([item(text('bb'), {}, true), item(own, {}, true)]);
  const json = read(element('00080005', 'CS', 'ISO_IR 144'), element('0040A043', 'SQ', items));
  assert.deepEqual(json['0040A043']?.Value, [
    { '00080104': { vr: 'LO', Value: ['Л'] } },
    { '00080005': { vr: 'CS', Value: ['ISO_IR 192'] }, '00080104': { vr: 'LO', Value: ['Ä'] } },
  ]);
});

test('bulk data is left out, in items too', () => {
  const bulk = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'].map((vr, n) =>
    element(`0009100${n}`, vr, Buffer.alloc(8)),
  );
  const items = item(Buffer.concat([...bulk, element('00100020', 'LO', 'A')]), {}, true);
  assert.deepEqual(read(...bulk, element('0040A043', 'SQ', items)), {
    '0040A043': { vr: 'SQ', Value: [{ '00100020': { vr: 'LO', Value: ['A'] } }] },
  });
});
