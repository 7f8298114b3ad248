// Looks, shows what was found, and judges it by an exit code.
import type { Terminal } from '../terminal.ts';
import { exitCodes, tell, type Around } from '../app/around.ts';
import type { Streams } from '../commandLine.ts';
import type { Finding } from './finding.ts';
import { showFindings } from './show.ts';
import { lookThere } from './there.ts';

interface Shown {
  readonly streams: Streams;
  readonly terminal: Terminal;
  readonly json: boolean;
}

/** Answers the exit code: 1 where anything failed. */
export function tellFindings(findings: readonly Finding[], { streams, terminal, json }: Shown): number {
  const failed = findings.some(({ verdict }) => verdict === 'failed');
  streams.out(json ? `${JSON.stringify({ ok: !failed, findings })}\n` : showFindings(findings, terminal));
  return failed ? exitCodes.failed : exitCodes.fine;
}

export async function doctorThere({ json }: { readonly json: boolean }, around: Around): Promise<number> {
  const found = await lookThere(around);
  if ('kind' in found) return tell(found, json, around);
  return tellFindings(found, { streams: around.streams, terminal: around.terminal, json });
}
