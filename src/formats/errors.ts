/**
 * An error that the person who made the input can mend. Its message is one sentence or two: what is wrong, where, and what to do.
 * The studio shows it as it stands; the command line prints it as one line and leaves with exit code 2.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** True for a UserError, also for one that crossed a worker boundary, where only name and message survive. */
export function isUserError(error: unknown): error is UserError {
  return error instanceof Error && error.name === 'UserError';
}
