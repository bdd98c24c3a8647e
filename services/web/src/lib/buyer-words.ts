import type { Phrases } from "@/api/phrases";
import type { BuyerTimeline } from "@/api/types";

import { dayInWords } from "./days";
import type { Words } from "./words";

type Step = NonNullable<BuyerTimeline["nextStep"]>;

/** How it goes, in one or two sentences of the reader's language: the service's own sentence is English. */
export function headlineInWords(t: Words<"buyerHeadline">, locale: string, timeline: BuyerTimeline, today: string, phrases: Phrases): string {
  const { state } = timeline.headline;
  if (state !== "ON_TRACK" && state !== "LATE") return t.has(`state.${state}`) ? t(`state.${state}`) : timeline.headline.text;
  const date = timeline.closingDate;
  const day = date ? dayInWords(locale, date, "full") : "";
  // Only an active deal whose closing took place is on track after its day.
  const closing = !date ? t("closing.none") : date >= today ? t("closing.ahead", { day }) : t(state === "ON_TRACK" ? "closing.done" : "closing.passed", { day });
  if (state === "ON_TRACK") return `${t("onTrack")} ${closing}`;
  if (timeline.tasks.some((task) => task.state === "LATE")) return `${t("yourStepLate")} ${closing}`;
  // The name of what is late is in the service's sentence alone.
  const late = /^"(.+)" is taking longer/.exec(timeline.headline.text)?.[1];
  return late ? `${t("late", { title: phrases[late] ?? late })} ${closing}` : closing;
}

/** What to do about a step that has no date. */
export const stepInWords = (t: Words<"buyerHeadline">, step: Pick<Step, "state">): string => t(step.state === "LATE" ? "step.late" : "step.now");

/** What a stage that is not done says. */
export function stageInWords(t: Words<"buyerHeadline">, timeline: Pick<BuyerTimeline, "headline">, state: string): string {
  const { state: deal } = timeline.headline;
  if (deal === "CLOSED" || deal === "CANCELLED") return t("stage.needless");
  if (state !== "CURRENT") return t("stage.later");
  return t(deal === "PAUSED" ? "stage.paused" : "stage.now");
}
