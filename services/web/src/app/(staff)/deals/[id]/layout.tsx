import { ChevronRight, Eye, LockKeyhole } from "lucide-react";
import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";
import { redirect } from "next/navigation";
import type { ReactNode } from "react";

import { me } from "@/api/server";
import { DealPill } from "@/components/domain/status";
import { Day, Distance } from "@/components/domain/day";
import { MoveDate } from "@/components/dates/move-date";
import { Failed } from "@/components/ui/states";
import { isBuyer, may } from "@/lib/access";
import { dayIn, moneyInWords } from "@/lib/days";

import { Channel } from "./channel";
import { DealActions } from "./deal-actions";
import { DealTabs } from "./deal-tabs";
import { loadDeal, loadKeyDates, loadPlan, loadSlack, loadSummary } from "./load";

type Props = { children: ReactNode; params: Promise<{ id: string }> };

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await loadDeal((await params).id)).name };
}

const BAR = ["COMPLETED", "WAIVED", "OVERDUE", "IN_PROGRESS", "PENDING", "BLOCKED"];

/** The deal's head: what it is, how far it is, its dates on a line; the tabs below. */
export default async function DealLayout({ children, params }: Props) {
  const { id } = await params;
  const who = await me();
  if (isBuyer(who)) redirect(`/timeline/${id}`);
  const [t, types, locale, deal, summary, dates, plan, slack] = await Promise.all([
    getTranslations("deal"),
    getTranslations("dealTypes"),
    getLocale(),
    loadDeal(id),
    loadSummary(id),
    loadKeyDates(id),
    loadPlan(id),
    loadSlack(id),
  ]);
  const today = dayIn(deal.timeZone);
  const address = deal.propertyAddress;
  const buyers = (summary.data?.parties ?? []).filter((party) => party.role === "buyer").map((party) => party.name);
  const counts = summary.data?.taskCounts ?? {};
  const path = new Set(slack.data?.criticalPath ?? []);
  const slacks = (slack.data?.tasks ?? []).filter((task) => path.has(task.id)).flatMap((task) => (task.slack == null ? [] : [task.slack]));
  const least = slacks.length ? Math.min(...slacks) : undefined;
  const mayMove = may(who, "manage_tasks") || (may(who, "create_deals") && deal.createdBy === who.user.id);
  const isRunning = deal.status === "ACTIVE" || deal.status === "ON_HOLD" || deal.status === "DRAFT";
  return (
    <>
      <header className="deal-head">
        <nav aria-label={t("path")} className="flex items-center gap-1.5 text-sm text-text-2 max-md:hidden">
          <Link href="/deals" className="hover:underline">
            {t("deals")}
          </Link>
          <ChevronRight size={14} aria-hidden="true" />
          <span>{deal.name}</span>
        </nav>
        <div className="deal-title">
          <h1>{deal.name}</h1>
          <DealPill status={deal.status} />
          <span className="flex-1" />
          <div className="deal-buttons">
            <Link href={`/timeline/${id}`} className="btn max-md:hidden" data-act="as-buyer">
              <Eye size={15} aria-hidden="true" />
              {t("asBuyer")}
            </Link>
            {mayMove && isRunning && dates.data ? (
              <MoveDate dealId={id} dealName={deal.name} keyDates={dates.data.keyDates} version={dates.data.version} today={today} mayAcknowledge={may(who, "manage_tasks")} />
            ) : null}
            <DealActions
              deal={{ id, name: deal.name, street: address.street, status: deal.status, version: deal.version }}
              maySteer={mayMove}
              mayForce={may(who, "manage_tasks")}
              isAdmin={who.user.role === "ADMIN"}
            />
          </div>
        </div>
        <p className="deal-sub">
          <span>{[[address.street, address.unit ? `#${address.unit}` : ""].filter(Boolean).join(" ") === deal.name ? "" : address.street, `${address.city}, ${address.stateOrProvince} ${address.postalCode}`].filter(Boolean).join(", ")}</span>
          <span>{types.has(deal.dealType) ? types(deal.dealType) : deal.dealType}</span>
          {buyers.length ? <span>{buyers.join(", ")}</span> : null}
        </p>
        {deal.status === "ON_HOLD" ? <p className="note note-warn mt-3">{deal.statusReason ? t("heldBecause", { reason: deal.statusReason }) : t("held")}</p> : null}
        {deal.status === "CANCELLED" ? <p className="note note-quiet mt-3">{t("cancelledBecause", { reason: deal.statusReason ?? "" })}</p> : null}
        {plan.data?.planState === "PENDING" && deal.status !== "DRAFT" ? <p className="note note-quiet mt-3">{t("planPending")}</p> : null}
        {plan.data?.planState === "FAILED" ? <p className="note note-error mt-3">{t("planFailed", { reason: plan.data.failure ?? "" })}</p> : null}
        {summary.problem ? (
          <div className="mt-3">
            <Failed what={t("summaryFailed")} problem={summary.problem} />
          </div>
        ) : (
          <dl className="deal-facts">
            <div>
              <dt>{t("closing")}</dt>
              <dd>
                {deal.closingDate ? (
                  <>
                    <Day date={deal.closingDate} today={today} />
                    {isRunning ? (
                      <small>
                        <Distance date={deal.closingDate} today={today} isOpen={false} />
                      </small>
                    ) : null}
                  </>
                ) : (
                  t("noClosing")
                )}
              </dd>
            </div>
            {least !== undefined && deal.status === "ACTIVE" ? (
              <div>
                <dt>{t("slack")}</dt>
                <dd className={least < 0 ? "late" : ""}>
                  {least < 0 ? t("slackLate", { days: -least }) : t("slackDays", { days: least })}
                  <small>{t("onPath")}</small>
                </dd>
              </div>
            ) : null}
            <div className="deal-progress">
              <dt>
                <span>{t("progress")}</span>
                <span className="tnum text-text-2">
                  {t("progressWords", {
                    done: summary.data.progress.done,
                    total: summary.data.progress.total,
                    progress: counts.IN_PROGRESS ?? 0,
                    overdue: counts.OVERDUE ?? 0,
                    blocked: counts.BLOCKED ?? 0,
                  })}
                </span>
              </dt>
              <dd>
                <span className="bar mt-2" aria-hidden="true">
                  {BAR.map((status) => (counts[status] ? <i key={status} className={`b-${status}`} style={{ flexGrow: counts[status] }} /> : null))}
                </span>
              </dd>
            </div>
            {deal.purchasePrice ? (
              <div>
                <dt className="flex items-center gap-1">
                  {t("price")} <LockKeyhole size={12} role="img" aria-label={t("confidential")} />
                </dt>
                <dd>{moneyInWords(locale, deal.purchasePrice)}</dd>
              </div>
            ) : null}
            {plan.data?.templateVersion ? (
              <div className="max-md:hidden">
                <dt>{t("plan")}</dt>
                <dd>{t("planVersion", { version: plan.data.templateVersion })}</dd>
              </div>
            ) : null}
          </dl>
        )}
        {dates.data && dates.data.keyDates.some((date) => date.date) ? (
          <Channel dates={dates.data.keyDates} today={today} href={`/deals/${id}/key-dates`} />
        ) : null}
      </header>
      <DealTabs
        id={id}
        counts={{ plan: summary.data?.progress.total, dates: dates.data?.keyDates.length, parties: summary.data?.parties.length }}
      />
      {children}
    </>
  );
}
