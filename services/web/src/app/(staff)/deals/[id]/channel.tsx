import { Anchor, Check, ChevronsRight, Pin, TriangleAlert } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import Link from "next/link";

import type { KeyDate } from "@/api/types";
import { daysBetween, dayInWords } from "@/lib/days";

import { shortTitle } from "./load";

/** The width of a label, as a part of the line; nearer ones on the same side would touch. */
const LABEL_PERCENT = 10.5;
const OVER = ["SATISFIED", "WAIVED"];

type Placed = KeyDate & { date: string; at: number; side: "up" | "down" | "none"; align: string };

/** The key dates on a line from the first to the last, today marked. For assistive technology it is a list. */
export function Channel({ dates, today, href }: { dates: KeyDate[]; today: string; href: string }) {
  const t = useTranslations("deal");
  const locale = useLocale();
  const placed = place(dates);
  const first = placed[0];
  const last = placed.at(-1);
  if (!first || !last || first.date === last.date) return null;
  const span = daysBetween(first.date, last.date);
  const now = Math.min(100, Math.max(0, (daysBetween(first.date, today) / span) * 100));
  const isWithin = today >= first.date && today <= last.date;
  const next = placed.find((date) => date.date >= today && !OVER.includes(date.state));
  return (
    <>
      {next ? (
        <Link href={href} className="channel-next">
          <Anchor size={15} className="crit" aria-hidden="true" />
          {t("nextDate", { title: shortTitle(next), date: dayInWords(locale, next.date) })}
        </Link>
      ) : null}
      <ol className="channel" aria-label={t("channel")}>
        <li className="channel-line" aria-hidden="true">
          <span style={{ width: `${now}%` }} />
        </li>
        {isWithin ? (
          <li className="channel-now" style={{ left: `${now}%` }}>
            <b>{t("today")}</b>
          </li>
        ) : null}
        {placed.map((date) => (
          <li key={date.key} className={`buoy is-${kind(date, today)} ${date.side} ${date.align}`} style={{ left: `${date.at}%` }} title={`${date.title}, ${dayInWords(locale, date.date)}`}>
            <span className="buoy-dot">
              <BuoyIcon kind={kind(date, today)} />
            </span>
            <span className={date.side === "none" ? "sr-only" : "buoy-label"}>
              <time dateTime={date.date}>{dayInWords(locale, date.date, "plain")}</time>
              <span>{shortTitle(date)}</span>
              <span className="sr-only">{t(`dateState.${date.state}`)}</span>
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function kind(date: KeyDate, today: string): string {
  if (date.state === "MISSED") return "missed";
  if (date.key === "closing_date") return "closing";
  // What was entered by hand has no task that satisfies it: it is behind us when its day is.
  if (OVER.includes(date.state) || (date.isAnchor && (date.date ?? today) < today)) return "done";
  if (date.state === "EXTENDED") return "extended";
  return date.pinned ? "pinned" : "open";
}

function BuoyIcon({ kind: of }: { kind: string }) {
  switch (of) {
    case "missed":
      return <TriangleAlert size={10} strokeWidth={2.6} aria-hidden="true" />;
    case "closing":
      return <Anchor size={13} strokeWidth={2.4} aria-hidden="true" />;
    case "done":
      return <Check size={10} strokeWidth={3.4} aria-hidden="true" />;
    case "extended":
      return <ChevronsRight size={10} strokeWidth={2.8} aria-hidden="true" />;
    case "pinned":
      return <Pin size={9} strokeWidth={2.6} aria-hidden="true" />;
    default:
      return null;
  }
}

/** Labels above and below in turns; one that would touch another has none, and stays in the list. */
function place(dates: KeyDate[]): Placed[] {
  const known = dates
    .filter((date): date is KeyDate & { date: string } => date.date != null && date.state !== "NOT_APPLICABLE")
    .sort((one, other) => one.date.localeCompare(other.date) || Number(other.isAnchor) - Number(one.isAnchor));
  const first = known[0]?.date ?? "";
  const span = Math.max(1, daysBetween(first, known.at(-1)?.date ?? first));
  const taken = { up: -100, down: -100 };
  const closing = known.find((date) => date.key === "closing_date");
  const closingAt = closing ? (daysBetween(first, closing.date) / span) * 100 : 1000;
  return known.map((date) => {
    const at = (daysBetween(first, date.date) / span) * 100;
    const isClosing = date.key === "closing_date";
    const fits = (side: "up" | "down") => at - taken[side] >= LABEL_PERCENT && (isClosing || side === "down" || closingAt - at >= LABEL_PERCENT);
    const wanted = taken.up <= taken.down ? (["up", "down"] as const) : (["down", "up"] as const);
    const side = isClosing ? "up" : (wanted.find(fits) ?? "none");
    if (side !== "none") taken[side] = at;
    return { ...date, at, side, align: at < 4 ? "starts" : at > 96 ? "ends" : "" };
  });
}
