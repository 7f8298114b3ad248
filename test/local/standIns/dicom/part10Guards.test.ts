// What dicom-parser lets through or misreads on its own, and the reader must refuse or mend.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDicomJson, type DicomJson } from '../../../../local/standIns/dicom/dicomJson.ts';
import { BadDicomFile, readDicomFile } from '../../../../local/standIns/dicom/part10.ts';
import * as dicom from './bytes.ts';
import { element, item, part10, sequenceEnd, uint16, uint32, undefinedLength, type Syntax } from './bytes.ts';

const syntaxes: readonly (readonly [uid: string, syntax: Syntax])[] = [
  [dicom.explicitLittle, {}],
  [dicom.explicitBig, { bigEndian: true }],
  [dicom.implicitLittle, { implicit: true }],
];
const implicit = { implicit: true };
const sequence = '0040A730';
const privateSequence = '00091003';
const pixels = '7FE00010';
const last = '0040DB00';
const itemStart = item(Buffer.alloc(0)).subarray(0, 8);

function read(...file: Parameters<typeof part10>): DicomJson {
  return toDicomJson(readDicomFile(part10(...file)));
}

function refuses(...file: Parameters<typeof part10>): void {
  assert.throws(() => readDicomFile(part10(...file)), BadDicomFile);
}

/** `end` is an element that must still be found, or be noticed as swallowed. */
function inEverySyntax(check: (uid: string, syntax: Syntax, end: Buffer) => void): void {
  for (const [uid, syntax] of syntaxes) check(uid, syntax, element(last, 'CS', 'END', syntax));
}

test('an element longer than its item, and an item longer than its sequence, are refused in every syntax', () => {
  inEverySyntax((uid, syntax, end) => {
    const inSequence = (items: Buffer, length?: number): Buffer =>
      element(sequence, 'SQ', items, syntax, length);
    const text = element('00080060', 'CS', 'MR', syntax);
    const leaking = element('00080060', 'CS', 'MR', syntax, 2 + end.length);
    refuses(uid, inSequence(item(leaking, syntax, true)), end, end);
    const inner = inSequence(Buffer.concat([item(text, syntax), sequenceEnd(syntax)]), undefinedLength);
    for (const whole of [item(text, syntax), item(text, syntax, true), item(inner, syntax)]) {
      refuses(uid, inSequence(whole, whole.length - 8));
      refuses(uid, inSequence(whole, whole.length - 8), end);
      assert.deepEqual(Object.keys(read(uid, inSequence(whole), end)), [sequence, last]);
    }
    const itemOfInner = item(inner.subarray(0, -8), syntax, true);
    refuses(uid, inSequence(Buffer.concat([itemOfInner, sequenceEnd(syntax)])), end);
  });
});

test('a value that ends after its file is refused in every syntax', () => {
  inEverySyntax((uid, syntax) => {
    refuses(uid, element('00080060', 'CS', 'MR', syntax, 4));
    refuses(
      uid,
      element(sequence, 'SQ', item(element('00080060', 'CS', 'MR', syntax, 4), syntax, true), syntax),
    );
  });
});

test('a delimiter that is missing, stands alone or has a length is refused in every syntax', () => {
  inEverySyntax((uid, syntax, end) => {
    const itemEnd = item(Buffer.alloc(0), syntax).subarray(8);
    const start = item(Buffer.alloc(0), syntax).subarray(0, 8);
    for (const delimiter of [itemEnd, sequenceEnd(syntax)]) {
      refuses(uid, delimiter, end);
      refuses(uid, element(sequence, 'SQ', item(Buffer.concat([end, delimiter]), syntax, true), syntax));
    }
    refuses(uid, element(sequence, 'SQ', Buffer.concat([start, end]), syntax));
    refuses(uid, element(sequence, 'SQ', item(end, syntax), syntax, undefinedLength));
    refuses(
      uid,
      element(sequence, 'SQ', Buffer.concat([start, end, sequenceEnd(syntax)]), syntax, undefinedLength),
    );
    // An explicit element has its length in the last two of these bytes, an implicit one in all four.
    const length = syntax.implicit
      ? uint32(end.length)
      : Buffer.from([0, 0, ...uint16(end.length, syntax.bigEndian)]);
    const jump = Buffer.concat([itemEnd.subarray(0, 4), length, end]);
    refuses(uid, element(sequence, 'SQ', Buffer.concat([start, end, jump]), syntax));
  });
});

test('a private sequence of an implicit file, which is not kept, cannot swallow what follows it', () => {
  const open = Buffer.concat([itemStart, element('00080100', 'SH', 'X', implicit)]);
  const end = element('00100020', 'LO', 'NOBODY', implicit);
  const swallowing = (bytes: Buffer): Buffer =>
    element(privateSequence, 'UN', bytes, implicit, undefinedLength);
  const itemEnd = item(Buffer.alloc(0)).subarray(8);
  const missing = swallowing(Buffer.concat([open, sequenceEnd()]));
  refuses(dicom.implicitLittle, missing, end, itemEnd, sequenceEnd());
  const jump = Buffer.concat([Buffer.from('feff0de0', 'hex'), uint32(end.length + 8)]);
  refuses(dicom.implicitLittle, swallowing(Buffer.concat([open, jump, sequenceEnd()])), end, sequenceEnd());
  const whole = swallowing(Buffer.concat([item(open.subarray(8)), sequenceEnd()]));
  assert.deepEqual(Object.keys(read(dicom.implicitLittle, whole, end)), ['00100020']);
});

test('an element of an item whose tag comes again, so that the library forgets it, is refused in every syntax', () => {
  inEverySyntax((uid, syntax, end) => {
    const damaged = [element('00080060', 'ZZ', 'MR', syntax), element('00080060', 'CS', 'MR', syntax), end];
    for (const content of [damaged, [end, ...damaged.slice(1)]]) {
      const bytes = Buffer.concat(content);
      refuses(uid, element(sequence, 'SQ', item(bytes, syntax), syntax));
      refuses(uid, element(sequence, 'SQ', item(bytes, syntax, true), syntax));
    }
  });
});

test('only sequences and compressed pixels may lack a length', () => {
  const fragments = Buffer.concat([item(Buffer.alloc(0), {}, true), sequenceEnd()]);
  for (const [tag, vr] of [
    ['00091001', 'OB'],
    ['00100020', 'UT'],
    [pixels, 'UT'],
  ] as const) {
    refuses(dicom.explicitLittle, element(tag, vr, fragments, {}, undefinedLength));
  }
  for (const tag of [pixels, '00100020', '00090010']) {
    refuses(dicom.implicitLittle, element(tag, '', fragments, implicit, undefinedLength));
  }
  assert.deepEqual(read(dicom.jpeg2000, element(pixels, 'OB', fragments, {}, undefinedLength)), {});
});

test('compressed pixels whose fragments do not add up are refused, in an item too', () => {
  const table = item(Buffer.alloc(4), {}, true);
  const fragment = item(Buffer.alloc(6, 7), {}, true);
  const oddTable = Buffer.from(table);
  oddTable.writeUInt32LE(2, 4);
  const otherTag = Buffer.concat([Buffer.from('fcfffcff00000000', 'hex')]);
  const damaged = [
    Buffer.concat([oddTable, fragment, sequenceEnd()]),
    Buffer.concat([table, fragment, otherTag]),
    Buffer.concat([table, fragment]),
    Buffer.concat([table, fragment.subarray(0, -1), sequenceEnd()]),
    sequenceEnd(),
  ].map((bytes) => element(pixels, 'OB', bytes, {}, undefinedLength));
  for (const one of damaged) {
    refuses(dicom.jpeg2000, one);
    refuses(dicom.jpeg2000, element('00880200', 'SQ', item(one, {}, true)));
  }
});

test('sequences may be nested 64 deep and no deeper', () => {
  const nested = (depth: number): Buffer => {
    let inner = element('00080060', 'CS', 'MR');
    for (let n = 0; n < depth; n += 1) inner = element(sequence, 'SQ', item(inner, {}, true));
    return inner;
  };
  assert.deepEqual(Object.keys(read(dicom.explicitLittle, nested(64))), [sequence]);
  refuses(dicom.explicitLittle, nested(65));
});

test('OV, SV and UV have long lengths and keep their types, in items and big endian too', () => {
  for (const [uid, syntax] of syntaxes.slice(0, 2)) {
    const value = Buffer.alloc(8);
    value[syntax.bigEndian ? 7 : 0] = 5;
    const longs = ['SV', 'UV', 'OV', 'OL'].map((vr, n) => element(`0009100${n}`, vr, value, syntax));
    const expected = { '00091000': { vr: 'SV', Value: [5] }, '00091001': { vr: 'UV', Value: [5] } };
    const nested = element(sequence, 'SQ', item(Buffer.concat(longs), syntax), syntax);
    assert.deepEqual(read(uid, ...longs, nested), {
      ...expected,
      [sequence]: { vr: 'SQ', Value: [expected] },
    });
  }
});

test('the first element may be a sequence in every syntax', () => {
  inEverySyntax((uid, syntax, end) => {
    const json = read(uid, element('00080006', 'SQ', item(end, syntax, true), syntax));
    assert.deepEqual(json, {
      '00080006': { vr: 'SQ', Value: [{ [last]: { vr: 'CS', Value: ['END'] } }] },
    });
  });
});

test('values of implicit elements that look like items are values', () => {
  const trap = Buffer.from('feff00e0ffff0000', 'hex');
  const traps = [pixels, '00089999', '00091001'].map((tag) => element(tag, '', trap, implicit));
  const end = element(last, 'CS', 'END', implicit);
  assert.deepEqual(Object.keys(read(dicom.implicitLittle, ...traps, end)), [last]);
});

test('an implicit sequence that no dictionary has is dropped', () => {
  const items = Buffer.concat([item(element('00089998', 'US', uint16(1), implicit)), sequenceEnd()]);
  const unknown = element('00089999', 'SQ', items, implicit, undefinedLength);
  assert.deepEqual(read(dicom.implicitLittle, unknown, element('00100020', 'LO', 'A', implicit)), {
    '00100020': { vr: 'LO', Value: ['A'] },
  });
});

test('a transfer syntax may be padded with a space, and a data set may be empty', () => {
  const text = element('00100020', 'LO', 'A', implicit);
  assert.deepEqual(read(`${dicom.implicitLittle} `, text), { '00100020': { vr: 'LO', Value: ['A'] } });
  assert.deepEqual(read(dicom.explicitLittle), {});
});
