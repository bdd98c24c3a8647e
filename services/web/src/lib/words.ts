import type { useTranslations } from "next-intl";

import { fieldErrors, type Problem } from "@/api/problem";

type Words = ReturnType<typeof useTranslations>;

/** The sentence for a refusal; `words` are those of the namespace `problems`. */
export function sentence(words: Words, problem: Problem, retryAfter?: number): string {
  if (problem.status === 429 && retryAfter) {
    return retryAfter > 90 ? words("waitMinutes", { minutes: Math.ceil(retryAfter / 60) }) : words("waitSeconds", { seconds: retryAfter });
  }
  return words.has(problem.code) ? words(problem.code) : words("INTERNAL_ERROR");
}

/** What is wrong with each field that `names` knows; the API's name of a field may be longer than the form's. */
export function mistakes(words: Words, problem: Problem): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, constraint, message } of fieldErrors(problem)) {
    found[field] ??= words.has(`constraints.${constraint}`) ? words(`constraints.${constraint}`) : (message ?? words("constraints.other"));
  }
  return found;
}
