import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, attempt } from "@/api/server";
import type { ActivityItem } from "@/api/types";
import { Avatar } from "@/components/domain/person";
import { Said } from "@/components/domain/said";
import { Empty, Failed } from "@/components/ui/states";
import { dayIn, dayInWords, timeInWords, withDaysInWords } from "@/lib/days";

import { loadDeal } from "../load";

const PAGE = 60;

type Props = { params: Promise<{ id: string }>; searchParams: Promise<{ cursor?: string }> };

/** What happened, newest first; what happened in one act of the system is folded. */
export default async function ActivityPage({ params, searchParams }: Props) {
  const [{ id }, { cursor }] = await Promise.all([params, searchParams]);
  const [t, locale, deal, client] = await Promise.all([getTranslations("activity"), getLocale(), loadDeal(id), api()]);
  const found = await attempt(client.GET("/api/deals/{id}/activity", { params: { path: { id }, query: { limit: PAGE, ...(cursor ? { cursor } : {}) } } }));
  if (found.problem) {
    return (
      <div className="page-body">
        <Failed what={t("failed")} problem={found.problem} />
      </div>
    );
  }
  const days = new Map<string, ActivityItem[]>();
  for (const item of found.data.items) {
    const day = dayIn(deal.timeZone, new Date(item.createdAt));
    days.set(day, [...(days.get(day) ?? []), item]);
  }
  return (
    <div className="page-body max-w-4xl">
      {days.size === 0 ? <Empty title={t("empty")} /> : null}
      {[...days].map(([day, items]) => (
        <section key={day} className="mb-5" aria-labelledby={`day-${day}`}>
          <h2 className="mb-2 text-md" id={`day-${day}`}>
            {dayInWords(locale, day, "long")}
          </h2>
          <ol className="card">
            {folded(items).map(({ first, rest }) => (
              <li key={`${first.createdAt}-${first.entityId}-${first.eventType}`} className="grid grid-cols-[4.75rem_1.5rem_minmax(0,1fr)] gap-x-3 border-t border-line px-4 py-2 text-sm first:border-0">
                <time className="tnum text-text-2" dateTime={first.createdAt}>
                  {timeInWords(locale, deal.timeZone, first.createdAt)}
                </time>
                <Avatar name={first.actor.name} size={22} />
                <div>
                  <p>
                    <Said>{withDaysInWords("en-US", first.text)}</Said>
                  </p>
                  {rest.length ? (
                    <details className="mt-0.5 text-text-2">
                      <summary className="cursor-pointer">{t("more", { count: rest.length })}</summary>
                      <ul className="mt-1 grid gap-1">
                        {rest.map((item) => (
                          <li key={`${item.entityId}-${item.eventType}-${item.text}`}>
                            <Said>{withDaysInWords("en-US", item.text)}</Said>
                          </li>
                        ))}
                      </ul>
                    </details>
                  ) : null}
                </div>
              </li>
            ))}
          </ol>
        </section>
      ))}
      {found.data.nextCursor ? (
        <Link className="btn" href={`/deals/${id}/activity?cursor=${encodeURIComponent(found.data.nextCursor)}`}>
          {t("older")}
        </Link>
      ) : null}
    </div>
  );
}

/** Entries of one actor at one instant are one act: the first of them is shown, the others fold under it. */
function folded(items: ActivityItem[]): { first: ActivityItem; rest: ActivityItem[] }[] {
  const acts: { first: ActivityItem; rest: ActivityItem[] }[] = [];
  for (const item of items) {
    const last = acts.at(-1);
    if (last && last.first.createdAt === item.createdAt && last.first.actor.userId === item.actor.userId) last.rest.push(item);
    else acts.push({ first: item, rest: [] });
  }
  return acts;
}
