// Sets this process's wall clock ahead: Azurite and the stand-ins, which run in it, then tell the hosts that time has passed.
import { after } from 'node:test';

const RealDate = Date;
let aheadMs = 0;

class ShiftedDate extends RealDate {
  constructor(...args: readonly [] | readonly [number | string | Date]) {
    super(...((args.length === 0 ? [ShiftedDate.now()] : args) as [number | string | Date]));
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

/** By so many milliseconds more than before, until the tests of the file have run. Time goes on meanwhile. */
export function setDateAhead(ms: number): void {
  if (aheadMs === 0) after(() => (globalThis.Date = RealDate));
  aheadMs += ms;
  globalThis.Date = ShiftedDate as DateConstructor;
}
