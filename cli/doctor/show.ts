// What the doctor found, for people: a table, then what to do, each cure once.
import { showTable, unknown, type Column, type Screen } from '../app/table.ts';
import { painted, plain, type Color } from '../terminal.ts';
import type { Finding, Verdict } from './finding.ts';

const colors: Readonly<Record<Verdict, Color>> = { ok: 'green', failed: 'red', unproven: 'yellow' };

const columns: readonly Column<Finding>[] = [
  { title: 'CHECK', of: ({ check }) => check },
  { title: 'RESULT', of: ({ verdict }) => verdict, color: ({ verdict }) => colors[verdict] },
  { title: 'DETAIL', of: ({ detail }) => (detail === '' ? unknown : detail) },
];

export function showFindings(findings: readonly Finding[], screen: Screen): string {
  const counts = Map.groupBy(findings, ({ verdict }) => verdict);
  const told = (['ok', 'unproven', 'failed'] as const).flatMap((verdict) => {
    const some = counts.get(verdict)?.length ?? 0;
    return some === 0 ? [] : [painted(colors[verdict], `${some} ${verdict}`, screen)];
  });
  return [showTable(columns, findings, screen), '', ...cures(findings, screen), told.join(', '), ''].join(
    '\n',
  );
}

function cures(findings: readonly Finding[], screen: Screen): readonly string[] {
  const ailing = findings.filter(({ cure }) => cure !== undefined);
  const byCure = Map.groupBy(ailing, ({ cure = '' }) => cure);
  const lines = [...byCure].map(
    ([cure, some]) =>
      `${some.map(({ check, verdict }) => painted(colors[verdict], plain(check), screen)).join(', ')}:\n  ${plain(cure)}`,
  );
  return lines.length === 0 ? [] : [painted('bold', 'WHAT TO DO', screen), ...lines, ''];
}
