"use client";

import { Anchor, CornerDownRight, Eye } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";

import type { DealDryRun } from "@/api/types";
import { Due } from "@/components/domain/day";
import { Avatar, NobodyAvatar, OutsideAvatar } from "@/components/domain/person";
import { TaskGlyph } from "@/components/domain/status";
import { dayInWords } from "@/lib/days";
import { partInWords } from "@/lib/words";

type Props = { result: DealDryRun; parties: { role: string; name: string; company: string; userId: string }[]; today: string; isLoading: boolean };

/** The whole plan as it will be: by milestone, with owner and date. */
export function Preview({ result, parties, today, isLoading }: Props) {
  const t = useTranslations("wizard");
  const parts = useTranslations("roles");
  const locale = useLocale();
  const tasks = result.milestones.flatMap((milestone) => milestone.tasks);
  const closing = result.deal.closingDate;
  return (
    <section aria-label={t("step.preview")} aria-busy={isLoading} className={`min-w-0 ${isLoading ? "cursor-progress" : ""}`}>
      <dl className="wizard-sums">
        <div>
          <dd>{tasks.length}</dd>
          <dt>{t("sumTasks", { count: result.milestones.length })}</dt>
        </div>
        <div>
          <dd>{result.keyDates.length}</dd>
          <dt>{t("sumDates")}</dt>
        </div>
        <div>
          <dd>{tasks.filter((task) => task.buyerVisible).length}</dd>
          <dt>{t("sumBuyer")}</dt>
        </div>
        {closing ? (
          <div>
            <dd>{dayInWords(locale, closing, "short", today)}</dd>
            <dt>{t("sumClosing")}</dt>
          </div>
        ) : null}
      </dl>
      <div className="plan rounded-t-none border-t-0">
        {result.milestones.map((milestone) => (
          <details key={milestone.id} open className="plan-group">
            <summary>
              <h3 className="text-sm">{milestone.title}</h3>
              <span className="tnum text-xs font-normal text-text-2">{t("tasks", { count: milestone.tasks.length })}</span>
            </summary>
            <ul>
              {milestone.tasks.map((task) => {
                const owner = parties.find((one) => one.role === task.ownerRole);
                const text = owner ? (owner.company && !owner.userId ? owner.company : owner.name) : "";
                return (
                  <li key={task.id} className="wizard-row">
                    {task.dependsOn.length ? <CornerDownRight size={15} className="text-text-3" role="img" aria-label={t("waits")} /> : <TaskGlyph status="PENDING" size={15} />}
                    <span className="plan-title">
                      <span className="clip-wide font-medium" title={task.title}>
                        {task.title}
                      </span>
                      {task.critical ? <Anchor size={14} className="crit" role="img" aria-label={t("critical")} /> : null}
                      {task.buyerVisible ? <Eye size={14} className="flex-none text-text-3" role="img" aria-label={t("buyerSees")} /> : null}
                    </span>
                    <span className="plan-owner">
                      {text ? (
                        <>
                          {owner?.userId ? <Avatar name={text} size={22} /> : <OutsideAvatar name={text} size={22} />}
                          <span className="clip">{text}</span>
                        </>
                      ) : (
                        <>
                          <NobodyAvatar label={t("nobody")} size={22} />
                          <span className="clip text-text-2">{task.ownerRole ? partInWords(parts, task.ownerRole) : t("nobody")}</span>
                        </>
                      )}
                    </span>
                    <span className="plan-due">
                      <Due date={task.dueDate} today={today} showsDistance={false} />
                    </span>
                  </li>
                );
              })}
            </ul>
          </details>
        ))}
      </div>
    </section>
  );
}
