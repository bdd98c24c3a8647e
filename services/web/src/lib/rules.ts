import type { useTranslations } from "next-intl";

import type { components } from "@/api/schema";

type DueRule = components["schemas"]["DueRule"];
type Words = ReturnType<typeof useTranslations>;

/** A rule as a phrase: '3 business days after Effective date'. `words` are those of the namespace `rules`. */
export function ruleInWords(words: Words, rule: DueRule, titleOf: (anchor: string) => string): string {
  const anchor = titleOf(rule.anchor);
  const days = Math.abs(rule.offsetDays);
  if (rule.offsetDays === 0) return words("on", { anchor });
  const kind = rule.calendar === "BUSINESS" ? "business" : "calendar";
  return words(rule.offsetDays > 0 ? `${kind}After` : `${kind}Before`, { days, anchor });
}
