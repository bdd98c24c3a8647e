import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, me, must } from "@/api/server";
import type { Notification } from "@/api/types";
import { Said } from "@/components/domain/said";
import { Empty } from "@/components/ui/states";
import { dayIn, dayInWords, timeInWords } from "@/lib/days";

import { NoticeLink } from "./notice-link";
import { ReadAll } from "./read-all";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("notices"))("title") };
}

const PAGE = 50;

type Query = { unread?: string; cursor?: string };

/** What happened that concerns the reader, newest first. */
export default async function NotificationsPage({ searchParams }: { searchParams: Promise<Query> }) {
  const { unread, cursor } = await searchParams;
  const [t, locale, who, client] = await Promise.all([getTranslations("notices"), getLocale(), me(), api()]);
  const found = await must(client.GET("/api/notifications", { params: { query: { limit: PAGE, ...(unread ? { unread: true } : {}), ...(cursor ? { cursor } : {}) } } }));
  const zone = who.organization.timezone;
  const days = new Map<string, Notification[]>();
  for (const notice of found.items) {
    const day = dayIn(zone, new Date(notice.createdAt));
    days.set(day, [...(days.get(day) ?? []), notice]);
  }
  return (
    <>
      <header className="page-head">
        <h1>{t("title")}</h1>
        <p className="page-sub">{t("unread", { count: found.unreadCount })}</p>
        <span className="flex-1" />
        {found.unreadCount > 0 ? <ReadAll /> : null}
      </header>
      <nav className="tabs px-4 pt-3 md:px-7" aria-label={t("show")}>
        <Link className="tab" href="/notifications" aria-current={unread ? undefined : "page"}>
          {t("all")}
        </Link>
        <Link className="tab" href="/notifications?unread=1" aria-current={unread ? "page" : undefined}>
          {t("onlyUnread")}
        </Link>
      </nav>
      <div className="page-body max-w-4xl">
        {days.size === 0 ? <Empty title={t("empty")}>{t("emptyWhy")}</Empty> : null}
        {[...days].map(([day, notices]) => (
          <section key={day} className="mb-5" aria-labelledby={`day-${day}`}>
            <h2 className="mb-2 text-md" id={`day-${day}`}>
              {dayInWords(locale, day, "long")}
            </h2>
            <ul className="card overflow-hidden">
              {notices.map((notice) => (
                <li key={notice.id} className={`border-t border-line first:border-0 ${notice.readAt ? "" : "bg-selected"}`}>
                  <Notice notice={notice}>
                    <span className="flex items-baseline gap-2">
                      <span className={notice.readAt ? "font-medium" : "font-semibold"}>
                        <Said>{notice.title}</Said>
                      </span>
                      {notice.readAt ? null : <span className="pill bg-primary-soft text-link">{t("new")}</span>}
                      <time className="tnum ms-auto flex-none text-xs text-text-2" dateTime={notice.createdAt}>
                        {timeInWords(locale, zone, notice.createdAt)}
                      </time>
                    </span>
                    <Said className="mt-0.5 block text-text-2">{notice.body}</Said>
                  </Notice>
                </li>
              ))}
            </ul>
          </section>
        ))}
        {found.nextCursor ? (
          <Link className="btn" href={`/notifications?${new URLSearchParams({ ...(unread ? { unread } : {}), cursor: found.nextCursor })}`}>
            {t("older")}
          </Link>
        ) : null}
      </div>
    </>
  );
}

/** Where the thing is that the notice is about, if there is one. */
function placeOf(notice: Notification): string | undefined {
  if (!notice.dealId) return undefined;
  return notice.taskId ? `/deals/${notice.dealId}?task=${notice.taskId}` : `/deals/${notice.dealId}`;
}

function Notice({ notice, children }: { notice: Notification; children: React.ReactNode }) {
  const href = placeOf(notice);
  return href ? (
    <NoticeLink id={notice.id} href={href} isRead={notice.readAt != null}>
      {children}
    </NoticeLink>
  ) : (
    <div className="px-4 py-2.5 text-sm">{children}</div>
  );
}
