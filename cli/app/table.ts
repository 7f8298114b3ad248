// A table for people, never wider than their terminal: shortened where that is enough, or else as a block for each row.
import { painted, plain, type Color, type Terminal } from '../terminal.ts';

export type Screen = Pick<Terminal, 'colors' | 'columns'>;

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
  /** What may stand in its place where the terminal is narrow. */
  readonly short?: (row: Row) => string;
  readonly color?: (row: Row) => Color | undefined;
  /** Numbers are compared by their ends. */
  readonly align?: 'right';
}

/** What stands for something that is not known. */
export const unknown = '-';
const gap = '  ';

interface Table<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly cells: readonly (readonly string[])[];
  readonly screen: Screen;
}

/** Without a line end after it. */
export function showTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  screen: Screen,
): string {
  const full = rows.map((row) => columns.map(({ of }) => plain(of(row))));
  const short = rows.map((row) => columns.map(({ of, short = of }) => plain(short(row))));
  const lengthOf = (cells: Table<Row>['cells']): number =>
    widthsOf(columns, cells).reduce((sum, width) => sum + gap.length + width, -gap.length);
  const cells = [full, short].find((some) => lengthOf(some) <= (screen.columns ?? Infinity));
  return cells ? linesOf({ columns, rows, cells, screen }) : blocksOf({ columns, rows, cells: full, screen });
}

function widthsOf(
  columns: readonly { readonly title: string }[],
  cells: readonly (readonly string[])[],
): readonly number[] {
  return columns.map(({ title }, at) => widest([title, ...cells.map((row) => row[at] ?? '')]));
}

function linesOf<Row>({ columns, rows, cells, screen }: Table<Row>): string {
  const widths = widthsOf(columns, cells);
  const line = (texts: readonly string[], colorAt: (at: number) => Color | undefined): string =>
    texts
      .map((text, at) => {
        const width = widths[at] ?? 0;
        const isLast = at === texts.length - 1;
        const padded = columns[at]?.align ? text.padStart(width) : isLast ? text : text.padEnd(width);
        return painted(colorAt(at), padded, screen);
      })
      .join(gap);
  const titles = columns.map(({ title }) => title);
  const lines = rows.map((row, index) => line(cells[index] ?? [], (at) => columns[at]?.color?.(row)));
  return [line(titles, () => 'bold'), ...lines].join('\n');
}

/** One row, with a line for each column. */
export function showBlock<Row>(columns: readonly Column<Row>[], row: Row, screen: Screen): string {
  const cells = [columns.map(({ of }) => plain(of(row)))];
  return blocksOf({ columns, rows: [row], cells, screen });
}

function blocksOf<Row>({ columns, rows, cells, screen }: Table<Row>): string {
  const width = widest(columns.map(({ title }) => title));
  const blocks = rows.map((row, index) =>
    columns
      .map(({ title, color }, at) => {
        return `${title.padEnd(width)}${gap}${painted(color?.(row), cells[index]?.[at] ?? '', screen)}`;
      })
      .join('\n'),
  );
  return blocks.join('\n\n');
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(({ length }) => length));
}
