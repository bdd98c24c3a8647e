import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";
import { Suspense } from "react";

import { me } from "@/api/server";
import { TaskDrawer } from "@/components/task/task-drawer";
import { may } from "@/lib/access";
import { dayInWords } from "@/lib/days";

import { Aside, AsideSkeleton } from "./aside";
import { type GroupKey, loadWork } from "./load";
import { WorkList } from "./work-list";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("work"))("title") };
}

const TABS = ["all", "overdue", "today", "week", "waiting"] as const;

type Query = { tab?: string; task?: string; q?: string };

/** What the API searches for at most. */
const TEXT_LENGTH_MAX = 100;

/** The one list across deals. */
export default async function WorkPage({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const [t, locale, who] = await Promise.all([getTranslations("work"), getLocale(), me()]);
  const text = (query.q ?? "").trim().slice(0, TEXT_LENGTH_MAX);
  // Signs alone are nothing to search for.
  const work = await loadWork(who, /[\p{L}\p{N}]/u.test(text) ? text : "");
  const { today } = work;
  const tab = TABS.find((known) => known === query.tab) ?? "all";
  const count = (key: (typeof TABS)[number]) =>
    key === "all" ? work.groups.reduce((sum, group) => sum + group.count, 0) : (work.groups.find((group) => group.key === key)?.count ?? 0);
  const shown = work.groups.filter((group) => tab === "all" || group.key === (tab as GroupKey));
  const href = (key: (typeof TABS)[number]) => {
    const params = new URLSearchParams({ ...(key === "all" ? {} : { tab: key }), ...(text ? { q: text } : {}) });
    return params.size ? `/work?${params}` : "/work";
  };
  const next = work.groups.find((group) => group.items.length > 0 && group.key !== "waiting")?.items[0];
  return (
    <>
      <header className="page-head">
        <h1>{t("title")}</h1>
        <p className="page-sub">{dayInWords(locale, today, "long")}</p>
        <span className="flex-1" />
        <form action="/work" role="search" className="w-full md:w-64">
          {tab === "all" ? null : <input type="hidden" name="tab" value={tab} />}
          <input type="search" name="q" className="input" aria-label={t("filter")} placeholder={t("filter")} maxLength={TEXT_LENGTH_MAX} defaultValue={text} data-act="filter" />
        </form>
      </header>
      <nav className="tabs px-4 pt-3 md:px-7" aria-label={t("tabs")}>
        {TABS.map((key) => (
          <Link key={key} className="tab" href={href(key)} aria-current={tab === key ? "page" : undefined} scroll={false}>
            {t(`tab.${key}`)} <b className={key === "overdue" && count(key) > 0 ? "hot" : ""}>{count(key)}</b>
          </Link>
        ))}
        <span className="tab ms-auto hidden pe-0 md:flex">{t("dealCount", { count: work.dealCount })}</span>
      </nav>
      <div className="with-aside">
        <WorkList
          groups={shown}
          today={today}
          people={work.people}
          me={{ id: who.user.id, name: who.user.fullName }}
          mayReopen={may(who, "manage_tasks")}
          tab={tab}
          isFiltered={text !== ""}
          next={next ? { title: next.title, dealName: next.dealName, dueDate: next.dueDate } : undefined}
        />
        <Suspense fallback={<AsideSkeleton />}>
          <Aside who={who} today={today} />
        </Suspense>
      </div>
      {query.task ? <TaskDrawer id={query.task} who={who} /> : null}
    </>
  );
}
