import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { me } from "@/api/server";
import { TaskPanel } from "@/components/task/task-panel";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("task"))("drawer") };
}

/** A task as a page of its own, for a link in a mail. */
export default async function TaskPage({ params }: { params: Promise<{ id: string }> }) {
  const who = await me();
  const { id } = await params;
  const t = await getTranslations("task");
  return (
    <div className="page-body">
      <h1 className="sr-only">{t("drawer")}</h1>
      <div className="card mx-auto flex max-w-2xl flex-col">
        <TaskPanel id={id} who={who} />
      </div>
    </div>
  );
}
