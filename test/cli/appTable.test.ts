// The table that every command shows: whole, shortened, or in blocks, whichever fits the terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters, styleText } from 'node:util';
import { span } from '../../cli/app/figures.ts';
import { showBlock, showTable, type Column } from '../../cli/app/table.ts';

interface Row {
  readonly name: string;
  readonly count: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'NAME', of: ({ name }) => name, short: ({ name }) => name.slice(0, 3) },
  { title: 'COUNT', of: ({ count }) => String(count), align: 'right', color: () => 'red' },
];
const rows = [
  { name: 'first\u001b', count: 7 },
  { name: 'the \u0007second', count: 1234 },
];
const show = (width?: number, colors = false): string => showTable(columns, rows, { colors, columns: width });

test('a table is as wide as its widest cells, shortened where that is too wide, and in blocks where that is as well', () => {
  const whole = 'NAME         COUNT\nfirst            7\nthe  second   1234';
  assert.equal(show(), whole);
  assert.equal(show(18), whole);
  const short = 'NAME  COUNT\nfir       7\nthe    1234';
  assert.equal(show(17), short);
  assert.equal(show(11), short);
  assert.equal(show(10), 'NAME   first \nCOUNT  7\n\nNAME   the  second\nCOUNT  1234');
  assert.equal(
    showBlock(columns, { name: 'a\u001b', count: 2 }, { colors: false, columns: 80 }),
    'NAME   a \nCOUNT  2',
  );
});

test('colours are those of the rows, in tables and in blocks, and titles stand out', () => {
  for (const width of [undefined, 10]) {
    const colored = show(width, true);
    assert.equal(stripVTControlCharacters(colored), show(width));
    assert.ok(colored.includes(styleText('red', width ? '1234' : ' 1234', { validateStream: false })));
  }
  assert.ok(show(undefined, true).startsWith(styleText('bold', 'NAME       ', { validateStream: false })));
});

test('a shortened text steers no terminal either', () => {
  const sly = [{ name: '\u001b[2J and more', count: 1 }];
  assert.doesNotMatch(showTable(columns, sly, { colors: false, columns: 12 }), /[^\P{Cc}\n]/u);
});

test('a day counts when it is over', () => {
  assert.equal(span(3 * 86_400_000 - 1), '2 d');
});
