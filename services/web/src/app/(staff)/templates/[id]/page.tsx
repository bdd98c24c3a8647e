import { Anchor, ChevronRight, Eye } from "lucide-react";
import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, attempt, me, must } from "@/api/server";
import { may } from "@/lib/access";
import { ruleInWords } from "@/lib/rules";
import { inUse } from "@/lib/templates";
import { partInWords } from "@/lib/words";

import { TemplateActions } from "./template-actions";

const PAGE = 100;

type Props = { params: Promise<{ id: string }> };

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("templates"))("title") };
}

/** A template read as a plan: milestones with tasks and their rules, and the dates that everything hangs on. */
export default async function TemplatePage({ params }: Props) {
  const { id } = await params;
  const [t, parts, rules, facts, who, client] = await Promise.all([getTranslations("templates"), getTranslations("roles"), getTranslations("rules"), getTranslations("facts"), me(), api()]);
  const [template, list] = await Promise.all([
    must(client.GET("/api/templates/{id}", { params: { path: { id } } })),
    attempt(client.GET("/api/templates", { params: { query: { limit: PAGE } } })),
  ]);
  const versions = (list.data?.items ?? []).filter((other) => other.key === template.key);
  const used = inUse(versions)[0]?.id;
  const draft = versions.find((other) => other.status === "DRAFT");
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
        <span className="flex-1" />
        {may(who, "manage_tasks") ? <TemplateActions template={{ id, name: template.name, source: template.source, status: template.status }} draftId={draft?.id} /> : null}
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
                    <li key={task.key} className="template-row">
                      <span className="flex min-w-0 items-center gap-2">
                        <span className="min-w-0">
                          <span className="clip-wide block font-medium" title={task.title}>
                            {task.title}
                          </span>
                          {task.dependsOn.length ? (
                            <span className="clip block text-xs text-text-2" title={task.dependsOn.map(title).join("\n")}>
                              {task.dependsOn.length === 1 ? t("waitsFor", { title: title(task.dependsOn[0] ?? "") }) : t("waitsForMany", { count: task.dependsOn.length })}
                            </span>
                          ) : null}
                        </span>
                        {task.critical ? <Anchor size={14} className="crit" role="img" aria-label={t("critical")} /> : null}
                        {task.buyerVisible ? <Eye size={14} className="flex-none text-text-3" role="img" aria-label={t("buyerSees")} /> : null}
                      </span>
                      <span className="clip text-xs text-text-2" title={ruleInWords(rules, task.rule, title)}>
                        {ruleInWords(rules, task.rule, title)}
                      </span>
                      <span className="clip text-xs text-text-2" title={task.chasedBy ? t("chasedBy", { part: partInWords(parts, task.chasedBy) }) : undefined}>{partInWords(parts, task.ownerRole)}</span>
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
          {template.constraints.length ? (
            <section className="card">
              <h2 className="card-title mb-2">{t("constraints")}</h2>
              <ul className="text-sm">
                {template.constraints.map((constraint) => (
                  <li key={constraint.key} className="border-t border-line py-1.5 first:border-0">
                    {t("constraint", { days: constraint.minDays, before: title(constraint.before), after: title(constraint.after) })}
                    <span className="block text-xs text-text-2">{constraint.severity === "ERROR" ? t("isError") : t("isWarning")}</span>
                  </li>
                ))}
              </ul>
            </section>
          ) : null}
          {template.facts.length ? (
            <section className="card">
              <h2 className="card-title mb-2">{t("facts")}</h2>
              <ul className="flex flex-wrap gap-1.5 text-sm">
                {template.facts.map((fact) => (
                  <li key={fact} className="pill bg-surface-3 ps-2 text-text-2">
                    {facts.has(fact) ? facts(fact) : fact.replaceAll("_", " ")}
                  </li>
                ))}
              </ul>
            </section>
          ) : null}
          <section className="card">
            <h2 className="card-title mb-2">{t("versions")}</h2>
            <ul className="text-sm">
              {versions.map((other) => (
                <li key={other.id} className="flex flex-wrap items-center gap-2 border-t border-line py-1.5 first:border-0">
                  {other.id === id ? (
                    <b aria-current="page">{t("version", { version: other.templateVersion })}</b>
                  ) : (
                    <Link className="link" href={`/templates/${other.id}`}>
                      {t("version", { version: other.templateVersion })}
                    </Link>
                  )}
                  <span className="text-text-2">{other.shipped ? t("shipped") : t("own")}</span>
                  {other.status === "DRAFT" ? <span className="pill t-PENDING ps-2">{t("draft")}</span> : null}
                  {other.id === used ? <span className="pill bg-accent-soft ps-2 text-accent-text">{t("used")}</span> : null}
                </li>
              ))}
            </ul>
          </section>
          <details className="card">
            <summary className="card-title cursor-pointer">{t("source")}</summary>
            <pre className="mt-3 max-h-96 overflow-auto text-xs" tabIndex={0} role="region" aria-label={t("source")} lang="en">
              {template.source}
            </pre>
          </details>
        </aside>
      </div>
    </>
  );
}
