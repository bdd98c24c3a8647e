import { Anchor, Eye, Gavel, Pin } from "lucide-react";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, attempt, me } from "@/api/server";
import type { DateExplanation, KeyDate } from "@/api/types";
import { MoveDate } from "@/components/dates/move-date";
import { Day } from "@/components/domain/day";
import { Failed } from "@/components/ui/states";
import { may } from "@/lib/access";
import { daysBetween, dayIn, dayInWords } from "@/lib/days";
import { ruleInWords } from "@/lib/rules";

import { loadDeal, loadKeyDates } from "../load";

type Props = { params: Promise<{ id: string }>; searchParams: Promise<{ explain?: string }> };

/** Every key date with its state and its rule in words; a row explains itself, day by day. */
export default async function KeyDatesPage({ params, searchParams }: Props) {
  const [{ id }, query] = await Promise.all([params, searchParams]);
  const [t, rules, locale, who, deal, found] = await Promise.all([getTranslations("dates"), getTranslations("rules"), getLocale(), me(), loadDeal(id), loadKeyDates(id)]);
  if (found.problem) {
    return (
      <div className="page-body">
        <Failed what={t("failed")} problem={found.problem} />
      </div>
    );
  }
  const { keyDates, version } = found.data;
  const today = dayIn(deal.timeZone);
  const title = (key: string) => keyDates.find((date) => date.key === key)?.title ?? key.replaceAll("_", " ");
  const explained = query.explain
    ? await attempt((await api()).GET("/api/deals/{id}/key-dates/{key}/explain", { params: { path: { id, key: query.explain } } }))
    : undefined;
  const mayMove = (may(who, "manage_tasks") || (may(who, "create_deals") && deal.createdBy === who.user.id)) && ["DRAFT", "ACTIVE", "ON_HOLD"].includes(deal.status);
  const sorted = [...keyDates].sort((one, other) => (one.date ?? "9").localeCompare(other.date ?? "9"));
  return (
    <div className="page-body">
      <div className="card overflow-hidden">
        <table className="data-table is-cards">
          <caption className="sr-only">{t("caption")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("head.title")}</th>
              <th scope="col">{t("head.state")}</th>
              <th scope="col">{t("head.date")}</th>
              <th scope="col">{t("head.rule")}</th>
              <th scope="col">
                <span className="sr-only">{t("head.acts")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((date) => (
              <Row
                key={date.key}
                date={date}
                today={today}
                rule={date.rule ? ruleInWords(rules, date.rule, title) : t("entered")}
                isOpen={query.explain === date.key}
                href={query.explain === date.key ? `/deals/${id}/key-dates` : `/deals/${id}/key-dates?explain=${date.key}`}
                locale={locale}
                move={
                  mayMove ? (
                    <MoveDate dealId={id} dealName={deal.name} keyDates={keyDates} version={version} today={today} mayAcknowledge={may(who, "manage_tasks")} initialKey={date.key} isSmall />
                  ) : null
                }
                explanation={
                  query.explain === date.key && explained ? explained.problem ? <Failed what={t("explainFailed")} problem={explained.problem} /> : <Explanation found={explained.data} rule={date.rule ? ruleInWords(rules, date.rule, title) : undefined} title={title} /> : null
                }
              />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

type RowProps = { date: KeyDate; today: string; rule: string; isOpen: boolean; href: string; locale: string; move: React.ReactNode; explanation: React.ReactNode };

async function Row({ date, today, rule, isOpen, href, locale, move, explanation }: RowProps) {
  const t = await getTranslations("dates");
  const states = await getTranslations("deal.dateState");
  const isPast = date.date != null && date.date < today;
  return (
    <>
      <tr className={isOpen ? "is-open" : ""}>
        <th scope="row">
          <span className="flex flex-wrap items-center gap-x-2">
            {date.key === "closing_date" ? <Anchor size={14} className="crit" aria-hidden="true" /> : null}
            {date.title}
            {date.contractual ? <Gavel size={13} className="text-text-3" role="img" aria-label={t("contractual")} /> : null}
            {date.buyerVisible ? <Eye size={13} className="text-text-3" role="img" aria-label={t("buyerSees")} /> : null}
          </span>
        </th>
        <td>
          <span className={`pill ${STATE_CLASS[date.state] ?? "t-PENDING"}`}>{states(date.state)}</span>
        </td>
        <td className="whitespace-nowrap">
          {date.date ? (
            <span className={`tnum font-medium ${date.state === "PROJECTED" ? "projected" : ""}`}>
              <Day date={date.date} today={today} />
            </span>
          ) : (
            <span className="text-text-2">{t("open")}</span>
          )}
          {date.timeOfDay ? <span className="text-text-2"> {date.timeOfDay}</span> : null}
          {date.date && !["SATISFIED", "WAIVED", "MISSED"].includes(date.state) ? (
            <span className="block text-xs text-text-2">{isPast ? t("past") : t("inDays", { days: daysBetween(today, date.date) })}</span>
          ) : null}
        </td>
        <td className="text-text-2">
          {rule}
          {date.pinned ? (
            <span className="flex items-center gap-1 text-xs text-accent-text">
              <Pin size={12} aria-hidden="true" />
              {date.ruleDate && date.ruleDate !== date.date ? t("drift", { date: dayInWords(locale, date.ruleDate) }) : t("pinned")}
            </span>
          ) : null}
        </td>
        <td>
          <span className="flex flex-wrap justify-end gap-2 max-md:justify-start">
            <Link href={href} scroll={false} className="btn" aria-expanded={isOpen}>
              {t("explain")}
              <span className="sr-only">{date.title}</span>
            </Link>
            {move}
          </span>
        </td>
      </tr>
      {isOpen ? (
        <tr className="is-open">
          <td colSpan={5}>{explanation}</td>
        </tr>
      ) : null}
    </>
  );
}

const STATE_CLASS: Record<string, string> = {
  SATISFIED: "t-COMPLETED",
  WAIVED: "t-WAIVED",
  MISSED: "t-OVERDUE",
  SCHEDULED: "t-IN_PROGRESS",
  EXTENDED: "bg-accent-soft text-accent-text",
  PROJECTED: "t-PENDING",
};

/** The sentence first, then each day, counted or skipped, and the roll at the end. */
async function Explanation({ found, rule, title }: { found: DateExplanation; rule?: string; title: (key: string) => string }) {
  const [t, rules, locale] = await Promise.all([getTranslations("dates"), getTranslations("rules"), getLocale()]);
  const counted = found.steps.filter((step) => step.counted).length;
  const skipped = found.steps.length - counted;
  const from = found.anchor;
  return (
    <div className="max-w-4xl pb-2">
      <p>
        {from?.date ? t("from", { anchor: title(from.key), date: dayInWords(locale, from.date, "long") }) : t("enteredSentence")}{" "}
        {found.steps.length ? t("counted", { counted, skipped }) : rule ? t("everyDay", { rule }) : null}{" "}
        {found.roll ? t("rolled", { from: dayInWords(locale, found.roll.from, "long"), to: dayInWords(locale, found.roll.to, "long"), why: found.roll.why }) : null}{" "}
        {found.safeDay ? t("safeDay", { to: dayInWords(locale, found.safeDay.to, "long"), why: found.safeDay.why }) : null}{" "}
        {found.date ? <b>{t("result", { date: dayInWords(locale, found.date, "full") })}</b> : null}
      </p>
      {found.steps.length ? (
        <ol className="explain-days" aria-label={t("days")}>
          {found.steps.map((step, index) => {
            const number = found.steps.slice(0, index + 1).filter((other) => other.counted).length;
            return (
              <li key={step.date} className={step.counted ? "" : "is-skipped"} title={step.why}>
                <span>{dayInWords(locale, step.date, "plain")}</span>
                {step.counted ? <b>{number}</b> : <b aria-hidden="true">{t("dash")}</b>}
                <span className="sr-only">{step.why}</span>
              </li>
            );
          })}
        </ol>
      ) : null}
      {skipped ? (
        <p className="mt-2 text-sm text-text-2">
          {found.steps
            .filter((step) => !step.counted)
            .map((step) => rules("skipped", { date: dayInWords(locale, step.date), why: step.why }))
            .join(" · ")}
        </p>
      ) : null}
    </div>
  );
}
