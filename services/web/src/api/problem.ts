import type { components } from "./schema";

export type Problem = Omit<components["schemas"]["Problem"], "details"> & { details: Record<string, unknown> };
export type ProblemCode = components["schemas"]["ProblemCode"];

/** A refusal of the gateway. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  constructor(readonly problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.message}`);
  }
}

/** One field's mistake, as `details` names it. */
export type FieldError = { field: string; constraint: string; message?: string };

/** The mistakes of a 400, by field; with one it is in `details` itself, with several in `details.errors`. */
export function fieldErrors(problem: Problem): FieldError[] {
  const details = problem.details as { field?: string; constraint?: string; errors?: FieldError[] };
  if (details.errors?.length) return details.errors;
  return details.field ? [{ field: details.field, constraint: details.constraint ?? "" }] : [];
}

/** What stands for an answer that never came. */
export function unreachable(requestId = ""): Problem {
  return {
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    instance: "",
    error: "ServiceUnavailable",
    message: "no answer",
    code: "SERVICE_UNAVAILABLE",
    details: {},
    requestId,
  };
}

/** What the API would answer, where it need not be asked. */
export const refusalOf = (code: ProblemCode): Problem => ({ ...unreachable(), status: 409, code });

/** The problem in an answer's body; one of our own where there is none. */
export function asProblem(body: unknown, status: number): Problem {
  if (typeof body === "object" && body !== null && "code" in body && "requestId" in body) return body as Problem;
  return { ...unreachable(), status };
}
