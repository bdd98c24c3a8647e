import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";
import { notFound } from "next/navigation";

import { api, me, must } from "@/api/server";
import { Empty } from "@/components/ui/states";
import { may } from "@/lib/access";
import { dayInWords } from "@/lib/days";

import { AddHoliday, type Calendar, RemoveHoliday } from "./holiday-actions";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("settings"))("tab.holidays") };
}

/** Days on which the organization does no business, beside the federal ones. */
export default async function HolidaysPage() {
  const [t, locale, who, client] = await Promise.all([getTranslations("holidays"), getLocale(), me(), api()]);
  if (!may(who, "manage_organization")) notFound();
  const organization = await must(client.GET("/api/organization"));
  const calendar: Calendar = { name: organization.holidayCalendar?.name ?? null, holidays: organization.holidayCalendar?.holidays ?? [], version: organization.version };
  const sorted = calendar.holidays.map((holiday, index) => ({ holiday, index })).sort((one, other) => one.holiday.date.localeCompare(other.holiday.date));
  return (
    <section className="card p-5" aria-labelledby="holidays">
      <div className="mb-4 flex flex-wrap items-start gap-3">
        <div className="min-w-0 flex-1">
          <h2 id="holidays" className="text-lg">
            {t("title")}
          </h2>
          <p className="text-sm text-text-2">{t("lead")}</p>
        </div>
        <AddHoliday calendar={calendar} />
      </div>
      {sorted.length === 0 ? (
        <Empty title={t("none")}>{t("noneWhy")}</Empty>
      ) : (
        <table className="data-table is-cards">
          <caption className="sr-only">{t("title")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("name")}</th>
              <th scope="col">{t("day")}</th>
              <th scope="col">{t("years")}</th>
              <th scope="col">
                <span className="sr-only">{t("acts")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.map(({ holiday, index }) => (
              <tr key={`${holiday.date}-${index}`}>
                <th scope="row">{holiday.name ?? t("unnamed")}</th>
                <td className="whitespace-nowrap">{dayInWords(locale, holiday.date, holiday.yearly ? "plain" : "full")}</td>
                <td className="text-text-2">
                  {holiday.yearly
                    ? t("yearly", { from: holiday.from ? holiday.from.slice(0, 4) : "none", until: holiday.until ? holiday.until.slice(0, 4) : "none" })
                    : t("once")}
                </td>
                <td className="text-end max-md:text-start">
                  <RemoveHoliday calendar={calendar} index={index} name={holiday.name ?? dayInWords(locale, holiday.date, "plain")} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
