// Searches every order of choices from a beginning on, by playing each anew, without entering a state twice.
import { setImmediate as turn } from 'node:timers/promises';

export interface Choice {
  readonly label: string;
  readonly cost: number;
  readonly take: () => void;
}

export interface Violation<Rule> {
  readonly rule: Rule;
  readonly report: string;
}

export interface Explored<Rule> {
  readonly states: number;
  readonly schedules: number;
  readonly violation?: Violation<Rule>;
}

/** One play, begun by the choices of `path`, which `next` makes longer. */
export interface Course<Rule> {
  readonly path: readonly number[];
  start(): Promise<void>;
  /** Names the state: two plays with the same key go on in the same ways. */
  key(): string;
  /** None when nobody can go on. */
  choices(): readonly Choice[];
  next(at: number, choice: Choice): Promise<void>;
  /** What is done when nobody can go on. */
  finish(): Promise<void>;
  found(): Violation<Rule> | undefined;
}

/** Stops at the first violation. */
export async function search<Rule>(
  begin: (path: readonly number[]) => Course<Rule>,
): Promise<Explored<Rule>> {
  const seen = new Set<string>();
  const open: (readonly number[])[] = [[]];
  let schedules = 0;
  for (let path = open.pop(); path; path = open.pop()) {
    const course = begin(path);
    await course.start();
    if (await follow(course, seen, open)) schedules += 1;
    const violation = course.found();
    if (violation) return { states: seen.size, schedules, violation };
  }
  return { states: seen.size, schedules };
}

/** Takes the first choice of each state and leaves the others in `open`. True: to the end; false: to a state seen before. */
async function follow<Rule>(
  course: Course<Rule>,
  seen: Set<string>,
  open: (readonly number[])[],
): Promise<boolean> {
  for (;;) {
    const key = course.key();
    if (course.found() || seen.has(key)) return false;
    seen.add(key);
    const [first, ...others] = course.choices();
    if (!first) {
      await course.finish();
      // Lets the runner's own timers have their turn.
      await turn();
      return true;
    }
    for (let at = others.length; at > 0; at -= 1) open.push([...course.path, at]);
    await course.next(0, first);
  }
}
