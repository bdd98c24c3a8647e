import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, must } from "@/api/server";
import { Empty } from "@/components/ui/states";
import { inUse } from "@/lib/templates";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("templates"))("title") };
}

const PAGE = 100;

/** The plans that deals are made from. */
export default async function TemplatesPage() {
  const [t, types, client] = await Promise.all([getTranslations("templates"), getTranslations("dealTypes"), api()]);
  const { items: all } = await must(client.GET("/api/templates", { params: { query: { limit: PAGE } } }));
  const used = new Set(inUse(all).map((template) => template.id));
  // What deals are made from first, then drafts, then what is old.
  const rank = (template: (typeof all)[number]) => (used.has(template.id) ? 0 : template.status === "DRAFT" ? 1 : 2);
  const items = [...all].sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
  return (
    <>
      <header className="page-head">
        <h1>{t("title")}</h1>
        <p className="page-sub">{t("lead")}</p>
      </header>
      <div className="page-body">
        {items.length === 0 ? <Empty title={t("empty")} /> : null}
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(19rem,1fr))] gap-4">
          {items.map((template) => (
            <li key={template.id} className="card relative p-4 hover:border-line-strong">
              <h2 className="text-lg">
                <Link href={`/templates/${template.id}`} className="row-link">
                  {template.name}
                </Link>
              </h2>
              <p className="mt-1 text-sm text-text-2">{types.has(template.dealType) ? types(template.dealType) : template.dealType}</p>
              <p className="mt-3 flex flex-wrap items-center gap-2 text-xs text-text-2">
                <span className={`pill ps-2 ${template.status === "PUBLISHED" ? "t-COMPLETED" : "t-PENDING"}`}>{template.status === "PUBLISHED" ? t("published") : t("draft")}</span>
                <span>{t("version", { version: template.templateVersion })}</span>
                {used.has(template.id) ? <span className="pill ps-2 bg-accent-soft text-accent-text">{t("used")}</span> : null}
                <span>{template.shipped ? t("shipped") : t("own")}</span>
              </p>
            </li>
          ))}
        </ul>
      </div>
    </>
  );
}
