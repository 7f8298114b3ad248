// What can stop a rotation, in words that say which command or portal page mends it.
import { signInFailed } from '../platform/credential.ts';
import { AppError, isAppError } from '../platform/errors.ts';
import { UnreadableDocument } from '../platform/stateDocuments.ts';
import { problemTexts } from './problemTexts.ts';

export type ProblemCode = keyof typeof problemTexts;

/** What a report says of an error: never an upstream's words. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

/** An `AppError` that a person can mend. */
export class RotationProblem extends AppError {
  readonly problem: ProblemCode;

  constructor(problem: ProblemCode, cause?: unknown) {
    super(problemTexts[problem].answer, problemTexts[problem].message, { cause });
    this.problem = problem;
  }
}

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problemTexts, code);
}

/** Puts what is known in place of `<name>`; an unknown name stays, for the reader to fill in. */
export function fillIn(text: string, known: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/<([\w ]+)>/g, (whole, name: string) => known[name] ?? whole);
}

/** `detail` is put behind the message and `known` into the advice: ids only. */
export function problemOf(
  code: ProblemCode,
  detail?: string,
  known: Readonly<Record<string, string>> = {},
): Problem {
  const { message, advice } = problemTexts[code];
  return {
    code,
    message: detail === undefined ? message : `${message} ${detail}`,
    advice: fillIn(advice, known),
  };
}

/** Turns whatever was thrown into words for the report. */
export function explain(error: unknown): Problem {
  if (error instanceof RotationProblem) return problemOf(error.problem);
  if (error instanceof UnreadableDocument) return problemOf('state_unreadable');
  if (signInFailed(error)) return problemOf('sign_in_failed');
  if (isAppError(error)) {
    return {
      code: error.code,
      message: error.message,
      advice: 'A later run tries again; the log has the cause.',
    };
  }
  return {
    code: 'internal',
    message: 'An unexpected error ended the run.',
    advice: 'The log has the cause.',
  };
}
