import { Anchor, CircleAlert, TriangleAlert } from "lucide-react";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, attempt } from "@/api/server";
import type { Me } from "@/api/types";
import { Failed } from "@/components/ui/states";
import { daysBetween, dayInWords } from "@/lib/days";

/** Deals whose dates are looked at; those that close first. */
const DEALS = 12;
const DAYS = 7;
const SHOWN = 8;
const OVER = ["SATISFIED", "WAIVED", "NOT_APPLICABLE"];

/** Beside the list: what the contracts ask within a week, and deals with late tasks. */
export async function Aside({ who, today }: { who: Me; today: string }) {
  const [t, locale, client] = await Promise.all([getTranslations("work"), getLocale(), api()]);
  const deals = await attempt(client.GET("/api/deals", { params: { query: { status: "ACTIVE", sort: "closingDate", limit: DEALS } } }));
  if (deals.problem) return <Failed what={t("asideFailed")} problem={deals.problem} />;
  const [dates, late] = await Promise.all([
    Promise.all(
      deals.data.items.map(async (deal) => {
        const found = await attempt(client.GET("/api/deals/{id}/key-dates", { params: { path: { id: deal.id } } }));
        return (found.data?.keyDates ?? []).map((date) => ({ ...date, deal }));
      }),
    ),
    attempt(client.GET("/api/deals", { params: { query: { status: "ACTIVE", overdue: true, sort: "closingDate", limit: 3 } } })),
  ]);
  const near = dates
    .flat()
    .filter((date) => date.date && (date.contractual || date.isAnchor) && !OVER.includes(date.state))
    .filter((date) => {
      const days = daysBetween(today, date.date ?? today);
      return days >= 0 && days <= DAYS;
    })
    .sort((one, other) => (one.date ?? "").localeCompare(other.date ?? ""))
    .slice(0, SHOWN);
  const needy = await Promise.all(
    (late.data?.items ?? []).map(async (deal) => {
      const summary = await attempt(client.GET("/api/deals/{id}/summary", { params: { path: { id: deal.id } } }));
      return { deal, overdue: summary.data?.overdue ?? [], days: deal.closingDate ? daysBetween(today, deal.closingDate) : undefined };
    }),
  );
  return (
    <aside className="aside" aria-label={t("aside")}>
      <section className="card" aria-labelledby="near-dates">
        <h2 className="card-title mb-2" id="near-dates">
          <Anchor size={15} className="crit" aria-hidden="true" />
          {t("nearDates")}
        </h2>
        {near.length === 0 ? <p className="text-sm text-text-2">{t("noNearDates")}</p> : null}
        <ul>
          {near.map((date) => (
            <li key={`${date.deal.id}-${date.key}`} className="border-t border-line first:border-0">
              <Link href={`/deals/${date.deal.id}/key-dates`} className="grid grid-cols-[5.5rem_minmax(0,1fr)] gap-x-2 py-2 text-sm leading-snug hover:bg-surface-2">
                <time className="font-medium text-text-2" dateTime={date.date ?? undefined}>
                  {date.date === today ? t("today") : dayInWords(locale, date.date ?? today)}
                </time>
                <span className="min-w-0">
                  <span className="font-medium">{date.title}</span>
                  <span className="block text-xs text-text-3">{date.state === "EXTENDED" ? t("extended", { deal: date.deal.name }) : date.deal.name}</span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      </section>
      <section className="card" aria-labelledby="needy-deals">
        <h2 className="card-title mb-2" id="needy-deals">
          {t("needyDeals")}
        </h2>
        {needy.length === 0 ? <p className="text-sm text-text-2">{t("noNeedyDeals", { name: who.user.fullName.split(" ")[0] ?? "" })}</p> : null}
        <ul>
          {needy.map(({ deal, overdue, days }) => (
            <li key={deal.id} className="border-t border-line first:border-0">
              <Link href={`/deals/${deal.id}`} className="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5 py-2 text-sm leading-snug hover:bg-surface-2">
                {days !== undefined && days <= DAYS ? (
                  <CircleAlert size={16} className="mt-0.5 text-overdue" aria-hidden="true" />
                ) : (
                  <TriangleAlert size={16} className="mt-0.5 text-watch" aria-hidden="true" />
                )}
                <span className="min-w-0">
                  <span className="font-medium">{deal.name}</span>
                  <span className="block text-xs text-text-2">
                    {t("needs", { count: overdue.length, title: overdue[0]?.title ?? "", closes: deal.closingDate ? dayInWords(locale, deal.closingDate) : "" })}
                  </span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      </section>
    </aside>
  );
}

export function AsideSkeleton() {
  return (
    <div className="aside" aria-hidden="true">
      <div className="card h-80">
        <div className="skeleton h-4 w-40" />
      </div>
      <div className="card h-44">
        <div className="skeleton h-4 w-32" />
      </div>
    </div>
  );
}
