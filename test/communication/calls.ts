// What the tests of the token service have in common: a user, a call, an expected refusal, and a process held up in between.
import assert from 'node:assert/strict';
import { AppError, type ErrorCode } from '../../src/platform/errors.ts';
import type { TestProcess, World } from './world.ts';

export const alice = { key: 'app.alice' };

export function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

export async function issue(
  world: World,
  process: TestProcess,
  subject: { key: string } = alice,
): Promise<string> {
  return (await process.issue(subject, {}, world.context())).user.communicationUserId;
}

/** A process that stops once before (or after) the effect of `step`, until `meanwhile` has ended. */
export function interrupted(
  world: World,
  step: string,
  meanwhile: () => Promise<unknown>,
  when: 'before' | 'after' = 'before',
): TestProcess {
  let done = false;
  return world.process({
    meanwhile: (name, at) => {
      if (done || name !== step || at !== when) return undefined;
      done = true;
      return meanwhile();
    },
  });
}
