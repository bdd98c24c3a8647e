import { ChevronRight } from "lucide-react";
import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";
import { notFound, redirect } from "next/navigation";

import { api, me, must } from "@/api/server";
import { may } from "@/lib/access";

import { SourceEditor } from "./source-editor";

type Props = { params: Promise<{ id: string }> };

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("templates"))("editTitle") };
}

/** The source of a draft, checked at each pause. */
export default async function EditTemplatePage({ params }: Props) {
  const { id } = await params;
  const [t, who, client] = await Promise.all([getTranslations("templates"), me(), api()]);
  if (!may(who, "manage_tasks")) notFound();
  const template = await must(client.GET("/api/templates/{id}", { params: { path: { id } } }));
  if (template.status === "PUBLISHED") redirect(`/templates/${id}`);
  const { errors } = await must(client.POST("/api/templates/{id}/validate", { params: { path: { id } }, body: { source: template.source } }));
  return (
    <>
      <header className="page-head">
        <div className="min-w-0">
          <nav className="flex items-center gap-1.5 text-sm text-text-2 max-md:text-rail-text" aria-label={t("back")}>
            <Link href="/templates" className="hover:underline">
              {t("back")}
            </Link>
            <ChevronRight size={14} aria-hidden="true" />
            <Link href={`/templates/${id}`} className="clip hover:underline">
              {template.name}
            </Link>
          </nav>
          <h1 className="mt-1">{t("editTitle")}</h1>
        </div>
      </header>
      <SourceEditor id={id} name={template.name} source={template.source} version={template.version} mistakes={errors} />
    </>
  );
}
