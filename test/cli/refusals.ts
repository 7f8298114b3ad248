// Options that cannot be meant: each is refused by its name, and no key is repeated.
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** A test for each of these: the words of the command line, and what is to be said of them. */
export function testRefusals(
  read: (args: readonly string[], environment: Readonly<Record<string, string>>) => unknown,
  refused: readonly (readonly [readonly string[], RegExp])[],
): void {
  for (const [args, words] of refused)
    test(`${args.join(' ')} is refused by name, and no key repeated`, () => {
      assert.throws(
        () => read(args, {}),
        (error: Error) => {
          assert.equal(error.name, 'UsageError');
          assert.match(error.message, words);
          assert.doesNotMatch(error.message, /the-key/);
          return true;
        },
      );
    });
}
