"use client";

import { Plus } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";

import { api, attempt, type Outcome } from "@/api/browser";
import type { components } from "@/api/schema";
import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { textOf } from "@/components/ui/use-form";
import { useToast } from "@/components/ui/toasts";

type Holiday = components["schemas"]["Holiday"];
type Body = components["schemas"]["OrganizationBody"];
export type Calendar = { name: string | null; holidays: Holiday[]; version: number };

/** Replaces the calendar, as one of its version. */
const replace = (calendar: Calendar, holidays: Holiday[]): Promise<Outcome<unknown>> =>
  attempt(
    api.PATCH("/api/organization", {
      params: { header: { "If-Match": `"${calendar.version}"` } },
      headers: { "content-type": "application/merge-patch+json" },
      body: { holidayCalendar: holidays.length ? { name: calendar.name, holidays } : null } as Body,
    }),
  );

export function AddHoliday({ calendar }: { calendar: Calendar }) {
  const t = useTranslations("holidays");
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  const [isYearly, setYearly] = useState(false);
  return (
    <>
      <button type="button" className="btn btn-primary" onClick={() => setOpen(true)}>
        <Plus size={15} aria-hidden="true" />
        {t("add")}
      </button>
      {isOpen ? (
        <FormDialog
          title={t("add")}
          lead={t("runningDeals")}
          submit={t("addSubmit")}
          onClose={() => setOpen(false)}
          send={(form) => {
            const year = (name: string, day: string) => (isYearly && textOf(form, name) ? `${textOf(form, name)}-${day}` : undefined);
            const holiday: Holiday = {
              name: textOf(form, "name") || null,
              date: textOf(form, "date"),
              yearly: isYearly,
              ...(year("from", "01-01") ? { from: year("from", "01-01") } : {}),
              ...(year("until", "12-31") ? { until: year("until", "12-31") } : {}),
            };
            return replace(calendar, [...calendar.holidays, holiday]);
          }}
          onDone={() => {
            setOpen(false);
            show({ text: t("added") });
          }}
        >
          {(errors) => {
            const at = `holidayCalendar.holidays.${calendar.holidays.length}`;
            return (
              <>
                <Field label={t("name")} name="name" maxLength={200} error={errors[`${at}.name`]} autoComplete="off" />
                <Field label={t("day")} name="date" type="date" required error={errors[`${at}.date`]} />
                <label className="flex items-center gap-2 text-sm">
                  <input type="checkbox" checked={isYearly} onChange={(event) => setYearly(event.currentTarget.checked)} />
                  {t("everyYear")}
                </label>
                {isYearly ? (
                  <div className="grid gap-4 sm:grid-cols-2">
                    <Field label={t("from")} name="from" inputMode="numeric" pattern="\d{4}" maxLength={4} error={errors[`${at}.from`]} />
                    <Field label={t("until")} name="until" inputMode="numeric" pattern="\d{4}" maxLength={4} error={errors[`${at}.until`]} />
                  </div>
                ) : null}
              </>
            );
          }}
        </FormDialog>
      ) : null}
    </>
  );
}

export function RemoveHoliday({ calendar, index, name }: { calendar: Calendar; index: number; name: string }) {
  const t = useTranslations("holidays");
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn" onClick={() => setOpen(true)}>
        {t("remove")}
        <span className="sr-only">{name}</span>
      </button>
      {isOpen ? (
        <FormDialog
          title={t("removeTitle", { name })}
          submit={t("remove")}
          isDanger
          onClose={() => setOpen(false)}
          send={() =>
            replace(
              calendar,
              calendar.holidays.filter((_, other) => other !== index),
            )
          }
          onDone={() => {
            setOpen(false);
            show({ text: t("removed", { name }) });
          }}
        >
          {() => <p className="text-start text-text-2">{t("runningDeals")}</p>}
        </FormDialog>
      ) : null}
    </>
  );
}
