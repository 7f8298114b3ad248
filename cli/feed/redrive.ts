// Offers dead letters again, as often as the time of one call is too short for all of them.
import { exitCodes, tell, watched, type Around } from '../app/around.ts';
import type { Answer, Troubled } from '../app/call.ts';
import { figure } from '../app/figures.ts';
import type { Redrive } from './options.ts';
import { redriveCall, type RedriveReport } from './service.ts';
import { showRedriven } from './show.ts';
import { findService } from './which.ts';

/** Calls of up to three minutes for one service; whoever has more dead letters asks again. */
const mostCalls = 20;

/** Answers the exit code: 4 where time was up before all were offered. With `json` the app is asked once. */
export async function redrive({ service, reason }: Redrive, around: Around, json: boolean): Promise<number> {
  const found = service === undefined ? undefined : await findService(service, around);
  if (found?.kind === 'trouble') return tell(found, json, around);
  const { streams, terminal } = around;
  const offers = new Offers(reason, around, json);
  const first = await offers.make(found?.service);
  if (first.kind === 'trouble') return tell(first, json, around);
  if (json) {
    streams.out(`${first.text}\n`);
    return codeOf(first.value.services);
  }
  const services: RedriveReport[] = [];
  let trouble: Troubled | undefined;
  for (const report of first.value.services) {
    const rest = trouble ? { report } : await offers.goOn(report);
    services.push(rest.report);
    trouble ??= rest.trouble;
  }
  streams.out(showRedriven(services, terminal));
  return trouble ? tell(trouble, json, around) : codeOf(services);
}

function codeOf(services: readonly RedriveReport[]): number {
  if (services.some(({ outcome, refused }) => outcome === 'stopped' || refused > 0)) return exitCodes.failed;
  return services.some(({ outcome }) => outcome === 'budget') ? exitCodes.busy : exitCodes.fine;
}

interface Rest {
  readonly report: RedriveReport;
  readonly trouble?: Troubled;
}

class Offers {
  readonly #reason: string;
  readonly #around: Around;
  readonly #json: boolean;
  #taken = 0;

  constructor(reason: string, around: Around, json: boolean) {
    this.#reason = reason;
    this.#around = around;
    this.#json = json;
  }

  async make(service: string | undefined): Promise<Answer<{ readonly services: readonly RedriveReport[] }>> {
    const call = redriveCall({ service, reason: this.#reason });
    const ask = () => this.#around.call(call);
    const told = (seconds: number) => `offering again, ${seconds} s; ${figure(this.#taken)} taken so far`;
    const answer = await (this.#json ? ask() : watched(this.#around, told, ask));
    if (answer.kind === 'answer')
      this.#taken += answer.value.services.reduce((sum, { taken }) => sum + taken, 0);
    return answer;
  }

  /** Each call begins with the oldest dead letter: one that takes none would be followed by another like it. */
  async goOn(first: RedriveReport): Promise<Rest> {
    let report = first;
    let [calls, isMoving] = [1, true];
    while (report.outcome === 'budget' && isMoving && calls < mostCalls) {
      const answer = await this.make(report.service);
      if (answer.kind === 'trouble') return { report, trouble: answer };
      const next = answer.value.services.find(({ service }) => service === report.service);
      if (!next) break;
      isMoving = next.taken > 0;
      report = { ...next, taken: report.taken + next.taken };
      calls += 1;
    }
    return { report };
  }
}
