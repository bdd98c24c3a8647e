import { Download, ShieldCheck } from "lucide-react";
import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";
import { notFound } from "next/navigation";

import { api, attempt, me, must } from "@/api/server";
import type { AuditItem, User } from "@/api/types";
import { Avatar } from "@/components/domain/person";
import { Empty } from "@/components/ui/states";
import { dayIn, dayInWords } from "@/lib/days";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("audit"))("title") };
}

const PAGE = 50;
const USERS = 100;

type Query = { entity?: string; type?: string; cursor?: string };

/** The log that nobody can edit, newest first. */
export default async function AuditPage({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const [t, locale, who, client] = await Promise.all([getTranslations("audit"), getLocale(), me(), api()]);
  if (who.user.role !== "ADMIN") notFound();
  const filters = { ...(query.entity ? { entity: query.entity } : {}), ...(query.type ? { type: query.type } : {}) };
  const [found, users] = await Promise.all([
    must(client.GET("/api/audit", { params: { query: { ...filters, limit: PAGE, ...(query.cursor ? { cursor: query.cursor } : {}) } } })),
    attempt(client.GET("/api/users", { params: { query: { limit: USERS } } })),
  ]);
  const names = new Map((users.data?.items ?? []).map((user: User) => [user.id, user.fullName]));
  const zone = who.organization.timezone;
  const time = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "numeric", minute: "2-digit", second: "2-digit" });
  const days = new Map<string, AuditItem[]>();
  for (const item of found.items) {
    const day = dayIn(zone, new Date(item.createdAt));
    days.set(day, [...(days.get(day) ?? []), item]);
  }
  const download = (format: string) => `/gateway/api/audit/export?${new URLSearchParams({ ...filters, format })}`;
  return (
    <>
      <header className="page-head">
        <h1>{t("title")}</h1>
        <p className="page-sub">{t("lead")}</p>
      </header>
      <div className="filters">
        <form action="/audit" className="flex flex-wrap items-center gap-2">
          <label className="sr-only" htmlFor="audit-type">
            {t("type")}
          </label>
          <input id="audit-type" data-act="filter" type="search" name="type" className="input w-72" placeholder="tasks.task.completed" defaultValue={query.type ?? ""} />
          {query.entity ? <input type="hidden" name="entity" value={query.entity} /> : null}
          <button type="submit" className="btn">
            {t("apply")}
          </button>
          {query.type || query.entity ? (
            <Link className="link text-sm" href="/audit">
              {t("clear")}
            </Link>
          ) : null}
        </form>
      </div>
      <div className="with-aside">
        <div className="card overflow-hidden">
          {found.items.length === 0 ? <Empty title={t("empty")} /> : null}
          {[...days].map(([day, items]) => (
            <section key={day} aria-labelledby={`day-${day}`}>
              <h2 id={`day-${day}`} className="border-t border-line bg-surface-2 px-4 py-1.5 text-sm first:border-0">
                {dayInWords(locale, day, "long")}
              </h2>
              {items.map((item) => {
                const name = names.get(item.userId) ?? t("system");
                return (
                  <details key={item.id} className="audit-entry">
                    <summary>
                      <time className="tnum text-text-2" dateTime={item.createdAt} title={item.createdAt}>
                        {time.format(new Date(item.createdAt))}
                      </time>
                      <span className="flex min-w-0 items-center gap-2">
                        <Avatar name={name} size={22} />
                        <span className="clip">{name}</span>
                      </span>
                      <span className="clip font-medium">{subject(item)}</span>
                      <code className="clip text-xs text-text-2">{item.eventType}</code>
                      <span className="tnum text-end text-text-2">{item.sequence}</span>
                    </summary>
                    <Changes item={item} />
                  </details>
                );
              })}
            </section>
          ))}
        </div>
        <aside className="aside" aria-label={t("export")}>
          <section className="card">
            <h2 className="card-title mb-2">
              <ShieldCheck size={16} className="text-completed" aria-hidden="true" />
              {t("export")}
            </h2>
            <p className="grid gap-2 text-sm">
              <a className="btn justify-start" href={download("jsonl")} download>
                <Download size={15} aria-hidden="true" />
                {t("exportJsonl")}
              </a>
              <a className="btn justify-start" href={download("csv")} download>
                <Download size={15} aria-hidden="true" />
                {t("exportCsv")}
              </a>
            </p>
          </section>
        </aside>
      </div>
      {found.nextCursor ? (
        <p className="page-body pt-0">
          <Link className="btn" href={`/audit?${new URLSearchParams({ ...filters, cursor: found.nextCursor })}`}>
            {t("older")}
          </Link>
        </p>
      ) : null}
    </>
  );
}

/** What the entry is about, in the words that its state has. */
function subject(item: AuditItem): string {
  const state = (item.after ?? item.before ?? {}) as Record<string, unknown>;
  const name = state.title ?? state.name ?? state.fullName ?? state.key;
  return typeof name === "string" ? name : item.entityType.replaceAll("_", " ");
}

async function Changes({ item }: { item: AuditItem }) {
  const t = await getTranslations("audit");
  const before = (item.before ?? {}) as Record<string, unknown>;
  const after = (item.after ?? {}) as Record<string, unknown>;
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  const shown = (value: unknown) => (value === undefined || value === null ? t("none") : typeof value === "string" ? value : JSON.stringify(value));
  return (
    <div className="grid gap-4 bg-selected px-4 py-3 text-sm md:grid-cols-[minmax(0,1fr)_16rem]">
      <div className="card overflow-x-auto" tabIndex={0} role="region" aria-label={t("details")}>
        <table className="data-table">
          <thead>
            <tr>
              <th scope="col">{t("field")}</th>
              <th scope="col">{t("before")}</th>
              <th scope="col">{t("after")}</th>
            </tr>
          </thead>
          <tbody>
            {fields.map((field) => (
              <tr key={field}>
                <th scope="row">
                  <code className="text-xs">{field}</code>
                </th>
                <td className="max-w-60 break-words text-text-2">{shown(before[field])}</td>
                <td className="max-w-60 break-words">{shown(after[field])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl className="grid content-start grid-cols-[5rem_minmax(0,1fr)] gap-y-1.5">
        <dt className="text-text-2">{t("from")}</dt>
        <dd>{item.ipAddress ?? t("none")}</dd>
        <dt className="text-text-2">{t("request")}</dt>
        <dd className="break-all text-xs">{item.requestId ?? t("none")}</dd>
        <dt className="text-text-2">{t("version")}</dt>
        <dd>{item.version}</dd>
      </dl>
    </div>
  );
}
