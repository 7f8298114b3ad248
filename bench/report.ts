// What a benchmark found: figures, some of them with an aim, as a table for people and as JSON for pipelines.

export interface Figure {
  /** For pipelines; unique within its section. */
  readonly name: string;
  readonly text: string;
  /** `null`: this system does not tell. */
  readonly value: number | null;
  readonly unit?: string;
  /** The aim: a larger value misses it. */
  readonly atMost?: number;
}

export interface Section {
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** Everything a benchmark is told: how large it is to be, and where to say how far it has come. */
export interface BenchmarkOptions {
  /** Pairs of calls whose medians are compared. */
  readonly pairs: number;
  /** Users who come at once. */
  readonly users: number;
  /** Service clients in one run of the rotation. */
  readonly clients: number;
  /** Changes in the change feed that are pulled and read page by page; then ten times as many are pulled. */
  readonly changes: number;
  readonly progress: (text: string) => void;
}

export interface Benchmark {
  readonly name: string;
  /** One sentence: what is measured against what. */
  readonly measures: string;
  run(options: BenchmarkOptions): Promise<readonly Section[]>;
}

export function isMissed({ value, atMost }: Figure): boolean {
  return atMost !== undefined && (value === null || value > atMost);
}

/** `section: figure` of each aim that was missed. */
export function missed(sections: readonly Section[]): readonly string[] {
  return sections.flatMap(({ title, figures }) =>
    figures.filter(isMissed).map(({ text }) => `${title}: ${text}`),
  );
}

export function table({ title, figures }: Section): string {
  const cells = figures.map((figure) => [figure.text, `${shown(figure)} `, aimOf(figure)] as const);
  const width = (column: 0 | 1): number => Math.max(...cells.map((row) => row[column].length));
  const lines = cells.map(([text, value, aim]) =>
    `  ${text.padEnd(width(0))}  ${value.padStart(width(1))} ${aim}`.trimEnd(),
  );
  return [title, ...lines].join('\n');
}

function shown({ value, unit }: Figure): string {
  if (value === null) return 'not known';
  const number = Number.isInteger(value) ? String(value) : value.toFixed(2);
  return unit === undefined ? number : `${number} ${unit}`;
}

function aimOf(figure: Figure): string {
  if (figure.atMost === undefined) return '';
  return `${isMissed(figure) ? '✗' : '✓'} aim: at most ${figure.atMost}`;
}
