import { createTranslator } from "next-intl";
import { describe, expect, it } from "vitest";

import type { BuyerTimeline } from "@/api/types";

import en from "../../messages/en.json";
import es from "../../messages/es.json";
import { headlineInWords, stageInWords, stepInWords } from "./buyer-words";
import type { Words } from "./words";

const words = (locale: string, messages: typeof en) => createTranslator({ locale, messages, namespace: "buyerHeadline" }) as unknown as Words<"buyerHeadline">;
const english = words("en-US", en);
const spanish = words("es-US", es as unknown as typeof en);

const TODAY = "2026-03-31";
const timeline = (state: string, text: string, closingDate: string | null, tasks: { state: string }[] = []): BuyerTimeline => ({ headline: { state, text }, closingDate, tasks }) as unknown as BuyerTimeline;

describe("the buyer's headline", () => {
  it("says in both languages when the closing is", () => {
    const onTrack = timeline("ON_TRACK", "", "2026-04-15");
    expect(headlineInWords(english, "en-US", onTrack, TODAY, {})).toBe("Everything is on track. Closing is planned for Wednesday, April 15, 2026.");
    expect(headlineInWords(spanish, "es-US", onTrack, TODAY, {})).toBe("Todo va bien. El cierre está previsto para el miércoles, 15 de abril de 2026.");
    expect(headlineInWords(english, "en-US", timeline("ON_TRACK", "", null), TODAY, {})).toBe("Everything is on track. The closing date is not set yet.");
    expect(headlineInWords(english, "en-US", timeline("ON_TRACK", "", "2026-03-30"), TODAY, {})).toContain("Closing was on Monday, March 30, 2026.");
  });

  it("says what is late: a step of the buyer, a step of another by its name, or the closing itself", () => {
    const own = timeline("LATE", "One of your steps is late.", "2026-04-15", [{ state: "LATE" }]);
    expect(headlineInWords(spanish, "es-US", own, TODAY, {})).toMatch(/^Uno de sus pasos está atrasado\. El cierre/);
    const other = timeline("LATE", '"Receive the appraisal" is taking longer than planned, and we are on it. Closing …', "2026-04-15");
    expect(headlineInWords(english, "en-US", other, TODAY, {})).toMatch(/^“Receive the appraisal” is taking longer than planned/);
    expect(headlineInWords(spanish, "es-US", other, TODAY, { "Receive the appraisal": "Recibir la tasación" })).toMatch(/^“Recibir la tasación” está tardando más/);
    expect(headlineInWords(english, "en-US", timeline("LATE", "other words", "2026-03-30"), TODAY, {})).toBe("Closing was planned for Monday, March 30, 2026.");
  });

  it("of a deal that rests or is over names no date, and a new state is said as it comes", () => {
    expect(headlineInWords(spanish, "es-US", timeline("PAUSED", "", "2026-04-15"), TODAY, {})).toBe("Todo está en pausa por el momento. No hay nada que hacer hasta que continúe.");
    expect(headlineInWords(english, "en-US", timeline("UNKNOWN", "In its own words.", null), TODAY, {})).toBe("In its own words.");
  });
});

it("a stage and a step say what they are while the deal runs, rests and is over", () => {
  const of = (state: string) => timeline(state, "", null);
  expect([stageInWords(english, of("ON_TRACK"), "CURRENT"), stageInWords(english, of("ON_TRACK"), "UPCOMING")]).toEqual(["Happening now.", "Comes later."]);
  expect([stageInWords(spanish, of("PAUSED"), "CURRENT"), stageInWords(spanish, of("CANCELLED"), "CURRENT")]).toEqual(["En pausa por el momento.", "Ya no hace falta."]);
  expect([stepInWords(english, { state: "LATE" }), stepInWords(english, { state: "TO_DO" })]).toEqual(["Please do this now.", "Please do this."]);
});
