import { House, Kanban, Plus, Search, Table2, X } from "lucide-react";
import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { me } from "@/api/server";
import { Empty } from "@/components/ui/states";
import { may } from "@/lib/access";
import { dayIn } from "@/lib/days";

import { Board } from "../board";
import { loadDeals, SORTS, STATUSES } from "../load";
import { DealTable } from "../table";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("deals"))("title") };
}

type Query = { view?: string; status?: string; q?: string; sort?: string; late?: string; cursor?: string };

/** What will hurt first: deals on a board by the week of their closing, or as a table. */
export default async function DealsPage({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const [t, states, who] = await Promise.all([getTranslations("deals"), getTranslations("dealStatus"), me()]);
  const today = dayIn(who.organization.timezone);
  const status = (query.status ?? "").split(",").filter((known) => (STATUSES as readonly string[]).includes(known));
  const sort = SORTS.find((known) => known === query.sort) ?? "closingDate";
  const view = query.view === "table" ? "table" : "board";
  const q = (query.q ?? "").slice(0, 200);
  const isFiltered = Boolean(q || status.length || query.late);
  const { cards, nextCursor } = await loadDeals(
    { status: status.length ? status : ["DRAFT", "ACTIVE", "ON_HOLD"], q, sort, late: query.late === "1", cursor: query.cursor },
    today,
  );
  const href = (changes: Partial<Query>) => {
    const next = new URLSearchParams(Object.entries({ ...query, cursor: undefined, ...changes }).filter((pair): pair is [string, string] => Boolean(pair[1])));
    return next.size ? `/deals?${next}` : "/deals";
  };
  const toggled = (one: string) => (status.includes(one) ? status.filter((other) => other !== one) : [...status, one]).join(",");
  return (
    <>
      <header className="page-head">
        <h1>{t("title")}</h1>
        <p className="page-sub tnum">{t("count", { count: cards.length, more: nextCursor ? "+" : "" })}</p>
        <span className="flex-1" />
        <nav className="segments hidden md:inline-flex" aria-label={t("view")}>
          <Link href={href({ view: undefined })} aria-current={view === "board" ? "page" : undefined} data-act={view === "board" ? undefined : "other-view"}>
            <Kanban size={15} aria-hidden="true" />
            {t("board")}
          </Link>
          <Link href={href({ view: "table" })} aria-current={view === "table" ? "page" : undefined} data-act={view === "table" ? undefined : "other-view"}>
            <Table2 size={15} aria-hidden="true" />
            {t("table")}
          </Link>
        </nav>
        {may(who, "create_deals") ? (
          <Link href="/deals/new" className="btn btn-primary hidden md:inline-flex">
            <Plus size={16} aria-hidden="true" />
            {t("new")}
          </Link>
        ) : null}
      </header>
      <div className="filters">
        <form action="/deals" role="search" className="relative">
          {query.view ? <input type="hidden" name="view" value={query.view} /> : null}
          {query.status ? <input type="hidden" name="status" value={query.status} /> : null}
          {query.late ? <input type="hidden" name="late" value={query.late} /> : null}
          <label className="sr-only" htmlFor="deal-filter">
            {t("filter")}
          </label>
          <Search size={15} className="pointer-events-none absolute start-2.5 top-1/2 -translate-y-1/2 text-text-3" aria-hidden="true" />
          <input id="deal-filter" data-act="filter" type="search" name="q" className="input w-60 ps-8" placeholder={t("filter")} defaultValue={q} maxLength={200} />
        </form>
        <ul className="contents" aria-label={t("filters")}>
          {STATUSES.map((one) => (
            <li key={one}>
              <Link href={href({ status: toggled(one) })} className={`chip ${status.includes(one) ? "is-on" : ""}`} aria-current={status.includes(one) ? "true" : undefined}>
                {states(one)}
                {status.includes(one) ? <X size={13} aria-hidden="true" /> : null}
              </Link>
            </li>
          ))}
          <li>
            <Link href={href({ late: query.late ? undefined : "1" })} className={`chip ${query.late ? "is-on" : ""}`} aria-current={query.late ? "true" : undefined}>
              {t("withLate")}
              {query.late ? <X size={13} aria-hidden="true" /> : null}
            </Link>
          </li>
        </ul>
      </div>
      {cards.length === 0 ? (
        <Empty
          title={isFiltered ? t("noMatch") : t("none")}
          action={
            isFiltered ? (
              <Link className="btn" href={href({ status: undefined, q: undefined, late: undefined })}>
                {t("clear")}
              </Link>
            ) : may(who, "create_deals") ? (
              <Link className="btn btn-primary" href="/deals/new">
                <House size={16} aria-hidden="true" />
                {t("first")}
              </Link>
            ) : undefined
          }
        >
          {isFiltered ? t("noMatchWhy") : t("noneWhy")}
        </Empty>
      ) : view === "table" ? (
        <DealTable cards={cards} today={today} sort={sort} hrefOf={(chosen) => href({ sort: chosen })} />
      ) : (
        <Board cards={cards} today={today} />
      )}
      {nextCursor ? (
        <p className="page-body pt-0">
          <Link className="btn" href={href({ cursor: nextCursor })}>
            {t("more")}
          </Link>
        </p>
      ) : null}
    </>
  );
}
