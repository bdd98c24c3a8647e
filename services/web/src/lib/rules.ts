import type { components } from "@/api/schema";

import type { Words } from "./words";

type DueRule = components["schemas"]["DueRule"];

/** A rule as a phrase: '3 business days after Effective date'. */
export function ruleInWords(words: Words<"rules">, rule: DueRule, titleOf: (anchor: string) => string): string {
  const anchor = titleOf(rule.anchor);
  const days = Math.abs(rule.offsetDays);
  if (rule.offsetDays === 0) return words("on", { anchor });
  const kind = rule.calendar === "BUSINESS" ? "business" : "calendar";
  return words(rule.offsetDays > 0 ? `${kind}After` : `${kind}Before`, { days, anchor });
}
