import { useLocale, useTranslations } from "next-intl";

import { daysBetween, type DayStyle, dayInWords } from "@/lib/days";

/** A date in words. */
export function Day({ date, style = "short", today }: { date: string; style?: DayStyle; today?: string }) {
  return <time dateTime={date}>{dayInWords(useLocale(), date, style, today)}</time>;
}

/** How far a date is from today: 'today', 'in 6 days', '2 days late'. */
export function Distance({ date, today, isOpen = true }: { date: string; today: string; isOpen?: boolean }) {
  const t = useTranslations("distance");
  const days = daysBetween(today, date);
  if (days === 0) return <>{t("today")}</>;
  if (days === 1) return <>{t("tomorrow")}</>;
  if (days > 0) return <>{t("ahead", { days })}</>;
  return <>{isOpen ? t("late", { days: -days }) : t("ago", { days: -days })}</>;
}

type DueProps = { date?: string | null; today: string; projected?: boolean; isOpen?: boolean; showsDistance?: boolean };

/** When a task is due. A date that is only projected is dotted and says so. */
export function Due({ date, today, projected = false, isOpen = true, showsDistance = true }: DueProps) {
  const t = useTranslations("distance");
  if (!date) return <span className="meta">{t("none")}</span>;
  const isLate = isOpen && date < today;
  return (
    <span className={`tnum ${isLate ? "late" : ""}`}>
      <span className={projected && !isLate ? "projected" : ""} title={projected ? t("projectedTitle") : undefined}>
        <Day date={date} today={today} />
        {projected ? <span className="sr-only"> {t("projected")}</span> : null}
      </span>
      {showsDistance ? (
        <span className={`ms-1.5 text-xs ${isLate ? "" : "text-text-2"}`}>
          <Distance date={date} today={today} isOpen={isOpen} />
        </span>
      ) : null}
    </span>
  );
}
