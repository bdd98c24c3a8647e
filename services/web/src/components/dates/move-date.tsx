"use client";

import { CalendarClock } from "lucide-react";
import { useTranslations } from "next-intl";
import dynamic from "next/dynamic";
import { useState } from "react";

import type { KeyDate } from "@/api/types";

export type MoveDateProps = {
  dealId: string;
  dealName: string;
  keyDates: KeyDate[];
  version: number;
  today: string;
  /** Whether an error of the plan's constraints may be acknowledged. */
  mayAcknowledge: boolean;
  initialKey?: string;
  isSmall?: boolean;
};

const MoveDateDialog = dynamic(() => import("./move-date-dialog").then((module) => module.MoveDateDialog), { ssr: false });

/** Every way to a date ends in the same dialog: nothing moves without a preview. */
export function MoveDate(props: MoveDateProps) {
  const t = useTranslations("move");
  const [isOpen, setOpen] = useState(false);
  const date = props.keyDates.find((known) => known.key === props.initialKey);
  return (
    <>
      <button type="button" className={`btn ${props.isSmall ? "" : "btn-primary"}`} data-act={props.isSmall ? undefined : "move-date"} onClick={() => setOpen(true)}>
        {props.isSmall ? null : <CalendarClock size={15} aria-hidden="true" />}
        {props.isSmall ? t("moveThis") : t("open")}
        {props.isSmall && date ? <span className="sr-only">{date.title}</span> : null}
      </button>
      {isOpen ? <MoveDateDialog {...props} onClose={() => setOpen(false)} /> : null}
    </>
  );
}
