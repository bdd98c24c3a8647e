import { ExternalLink } from "lucide-react";
import { getLocale, getTranslations } from "next-intl/server";

import { api, attempt } from "@/api/server";
import { Failed } from "@/components/ui/states";
import { instantInWords } from "@/lib/days";

import { loadDeal } from "../load";

/** What the durable workflow of the deal waits for. */
export default async function WorkflowPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const [t, locale, deal, client] = await Promise.all([getTranslations("workflow"), getLocale(), loadDeal(id), api()]);
  const found = await attempt(client.GET("/api/deals/{id}/workflow", { params: { path: { id } } }));
  if (found.problem) {
    return (
      <div className="page-body">
        {found.problem.status === 404 ? <p className="note note-quiet">{t("none")}</p> : <Failed what={t("failed")} problem={found.problem} />}
      </div>
    );
  }
  const flow = found.data;
  return (
    <div className="page-body max-w-3xl">
      <dl className="card task-facts mt-0! p-5">
        <dt>{t("status")}</dt>
        <dd>{t.has(`is.${flow.status}`) ? t(`is.${flow.status}`) : flow.status}</dd>
        <dt>{t("milestone")}</dt>
        <dd>{flow.milestone?.title ?? t("noMilestone")}</dd>
        <dt>{t("waitingFor")}</dt>
        <dd>{t("tasks", { count: flow.waitingFor.length })}</dd>
        <dt>{t("next")}</dt>
        <dd>{flow.nextWakeupAt ? instantInWords(locale, deal.timeZone, flow.nextWakeupAt) : t("noTimer")}</dd>
        {flow.temporalUrl ? (
          <>
            <dt>{t("engine")}</dt>
            <dd>
              <a className="link inline-flex items-center gap-1.5" href={flow.temporalUrl} rel="noreferrer">
                {t("open")}
                <ExternalLink size={14} aria-hidden="true" />
              </a>
            </dd>
          </>
        ) : null}
      </dl>
    </div>
  );
}
