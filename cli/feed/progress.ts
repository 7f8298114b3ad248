// How far a replay is, and how fast: bars, rates, and the one line that is redrawn while somebody waits.
import { figure, figureOf, percent, span } from '../app/figures.ts';
import type { ReplayReport } from './service.ts';

type Progress = Pick<ReplayReport, 'passed' | 'total' | 'delivered'>;

/** As in `[#####-----] 50 %`, drawn with blocks. */
export function bar({ passed, total }: Pick<Progress, 'passed' | 'total'>, width: number): string {
  const full = total === 0 ? width : Math.min(width, Math.floor((passed / total) * width));
  return `[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${percent(passed, total)}`;
}

/**
 * How fast it goes, by what was seen in the last minutes: the app works on a replay in its runs, which are a minute apart,
 * so that a shorter look would see it stand still or race.
 */
export class Pace {
  #seen: readonly (Progress & { readonly at: number })[] = [];

  /** `at` is milliseconds of a clock that never jumps. */
  add({ passed, total, delivered }: Progress, at: number): void {
    const recent = this.#seen.filter((one) => at - one.at <= paceMs);
    this.#seen = [...recent, { passed, total, delivered, at }];
  }

  /** Undefined while nothing has moved, or too little time has passed to tell. */
  measured(): { readonly eventsPerSecond: number; readonly leftMs: number } | undefined {
    const [first] = this.#seen;
    const last = this.#seen.at(-1);
    if (!first || !last || last.passed <= first.passed || last.at - first.at < leastPaceMs) return undefined;
    const ms = last.at - first.at;
    return {
      eventsPerSecond: ((last.delivered - first.delivered) / ms) * 1000,
      leftMs: ((last.total - last.passed) / (last.passed - first.passed)) * ms,
    };
  }
}

const paceMs = 5 * 60_000;
const leastPaceMs = 10_000;
const barWidth = 24;

/** What is not needed most is left out where the terminal is narrow. */
export function progressLine(progress: Progress, pace: Pace, columns = 80): string {
  const { passed, total, delivered } = progress;
  const measured = pace.measured();
  const rate = measured && measured.eventsPerSecond > 0 ? `, ${rateOf(measured.eventsPerSecond)}` : '';
  const parts = [
    bar(progress, Math.min(barWidth, Math.max(0, columns - 30))),
    ...(measured ? [`${span(measured.leftMs)} left`] : []),
    `${figureOf(delivered, 'event')}${rate}`,
    `${figure(passed)} of ${figure(total)} sequences`,
  ];
  while (parts.length > 1 && parts.join('  ').length >= columns) parts.pop();
  return parts.join('  ');
}

function rateOf(perSecond: number): string {
  return perSecond < 1 ? `${figure(Math.ceil(perSecond * 60))}/min` : `${figure(Math.round(perSecond))}/s`;
}
