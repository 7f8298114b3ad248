// Stands in for the test runner where tests are loaded to be tried on a variant of the source: keeps them instead of running them.

export interface Kept {
  readonly name: string;
  readonly run: () => Promise<void> | void;
}

export const kept: Kept[] = [];

export function test(name: string, run: () => Promise<void> | void): void {
  kept.push({ name, run });
}

export function describe(_name: string, tests: () => void): void {
  tests();
}
