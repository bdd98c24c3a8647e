"use client";

import { CircleCheck, UserRound } from "lucide-react";
import { useTranslations } from "next-intl";

type Props = { count: number; mayAssign: boolean; onComplete: () => void; onAssign: () => void; onClear: () => void };

/** What can be done with the selected tasks together. */
export function BulkBar({ count, mayAssign, onComplete, onAssign, onClear }: Props) {
  const t = useTranslations("work");
  return (
    <div className="bulk" role="toolbar" aria-label={t("bulk")}>
      <span className="tnum ps-2 font-medium" role="status">
        {t("selected", { count })}
      </span>
      <i />
      <button type="button" className="is-first" onClick={onComplete}>
        <CircleCheck size={16} aria-hidden="true" />
        {t("completeAll")}
      </button>
      {mayAssign ? (
        <button type="button" onClick={onAssign}>
          <UserRound size={16} aria-hidden="true" />
          {t("assign")}
        </button>
      ) : null}
      <i />
      <button type="button" onClick={onClear}>
        {t("clear")}
      </button>
    </div>
  );
}
