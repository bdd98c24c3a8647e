import { Anchor, ChevronRight, Eye } from "lucide-react";
import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, must } from "@/api/server";
import { ruleInWords } from "@/lib/rules";
import { partInWords } from "@/lib/words";

type Props = { params: Promise<{ id: string }> };

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("templates"))("title") };
}

/** A template read as a plan: milestones with tasks and their rules, and the dates that everything hangs on. */
export default async function TemplatePage({ params }: Props) {
  const { id } = await params;
  const [t, parts, rules, client] = await Promise.all([getTranslations("templates"), getTranslations("roles"), getTranslations("rules"), api()]);
  const template = await must(client.GET("/api/templates/{id}", { params: { path: { id } } }));
  const titles = new Map([...template.anchors, ...template.keyDates, ...template.tasks].map((one) => [one.key, one.title]));
  const title = (key: string) => titles.get(key) ?? key.replaceAll("_", " ");
  return (
    <>
      <header className="page-head">
        <div>
          <nav className="flex items-center gap-1.5 text-sm text-text-2 max-md:text-rail-text" aria-label={t("back")}>
            <Link href="/templates" className="hover:underline">
              {t("back")}
            </Link>
            <ChevronRight size={14} aria-hidden="true" />
          </nav>
          <h1 className="mt-1">{template.name}</h1>
          <p className="page-sub">
            {[
              t("version", { version: template.templateVersion }),
              t("milestones", { count: template.milestones.length }),
              t("tasks", { count: template.tasks.length }),
              t("dates", { count: template.anchors.length + template.keyDates.length }),
            ].join(" · ")}
          </p>
        </div>
      </header>
      <div className="with-aside">
        <div className="plan">
          {template.milestones.map((milestone) => {
            const tasks = template.tasks.filter((task) => task.milestone === milestone.key);
            return (
              <details key={milestone.key} open className="plan-group">
                <summary>
                  <h2>{milestone.title}</h2>
                  <span className="tnum text-xs font-normal text-text-2">{tasks.length}</span>
                </summary>
                <ul>
                  {tasks.map((task) => (
                    <li key={task.key} className="grid grid-cols-[minmax(0,1fr)_15rem_9rem] items-center gap-3 border-t border-line px-4 py-2 text-sm max-md:grid-cols-1 max-md:gap-0.5">
                      <span className="flex min-w-0 items-center gap-2">
                        <span className="clip-wide font-medium" title={task.title}>
                          {task.title}
                        </span>
                        {task.critical ? <Anchor size={14} className="crit" role="img" aria-label={t("critical")} /> : null}
                        {task.buyerVisible ? <Eye size={14} className="flex-none text-text-3" role="img" aria-label={t("buyerSees")} /> : null}
                      </span>
                      <span className="clip text-xs text-text-2" title={ruleInWords(rules, task.rule, title)}>
                        {ruleInWords(rules, task.rule, title)}
                      </span>
                      <span className="clip text-xs text-text-2">{partInWords(parts, task.ownerRole)}</span>
                    </li>
                  ))}
                </ul>
              </details>
            );
          })}
        </div>
        <aside className="aside" aria-label={t("keyDates")}>
          <section className="card">
            <h2 className="card-title mb-2">
              <Anchor size={15} className="crit" aria-hidden="true" />
              {t("keyDates")}
            </h2>
            <ul className="text-sm">
              {template.anchors.map((anchor) => (
                <li key={anchor.key} className="border-t border-line py-1.5 first:border-0">
                  <span className="font-medium">{anchor.title}</span>
                  <span className="block text-xs text-text-2">{anchor.required ? t("needed") : t("input")}</span>
                </li>
              ))}
              {template.keyDates.map((date) => (
                <li key={date.key} className="border-t border-line py-1.5">
                  <span className="font-medium">{date.title}</span>
                  <span className="block text-xs text-text-2">{ruleInWords(rules, date.rule, title)}</span>
                </li>
              ))}
            </ul>
          </section>
        </aside>
      </div>
    </>
  );
}
