import type { useTranslations } from "next-intl";

import { fieldErrors, type Problem } from "@/api/problem";

/** The words of a namespace of `messages/`; the check of the catalogues reads its name here. */
export type Words<Namespace extends string> = Namespace extends string ? ReturnType<typeof useTranslations> : never;

/** The sentence for a refusal. */
export function sentence(words: Words<"problems">, problem: Problem, retryAfter?: number): string {
  if (problem.status === 429 && retryAfter) {
    return retryAfter > 90 ? words("waitMinutes", { minutes: Math.ceil(retryAfter / 60) }) : words("waitSeconds", { seconds: retryAfter });
  }
  return words.has(problem.code) ? words(problem.code) : words("INTERNAL_ERROR");
}

/** A part that somebody takes, such as `title_escrow` or, as some answers have it, `Title escrow`. */
export function partInWords(parts: Words<"roles">, role: string): string {
  const key = parts.has(role) ? role : role.toLowerCase().replaceAll(" ", "_");
  return parts.has(key) ? parts(key) : role.replaceAll("_", " ");
}

/** What is wrong with each field that `names` knows; the API's name of a field may be longer than the form's. */
export function mistakes(words: Words<"problems">, problem: Problem): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, constraint, message } of fieldErrors(problem)) {
    found[field] ??= words.has(`constraints.${constraint}`) ? words(`constraints.${constraint}`) : (message ?? words("constraints.other"));
  }
  return found;
}
