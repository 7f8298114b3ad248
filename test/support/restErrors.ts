// How tests look at the errors that the Azure SDK clients throw.
import { isRestError, type RestError } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';

/** Answers the SDK's error after a look at its status and code. */
export async function assertRejected(
  work: Promise<unknown>,
  statusCode: number,
  code: string,
): Promise<RestError> {
  const error = await work.then(
    () => assert.fail(`expected ${statusCode} ${code}`),
    (thrown: unknown) => thrown,
  );
  // Not `instanceof`: clients may carry a copy of the pipeline of their own (measured with communication-identity).
  if (!isRestError(error)) throw error;
  assert.deepEqual([error.statusCode, error.code], [statusCode, code]);
  return error;
}
