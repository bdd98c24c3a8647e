"use client";

import { useTranslations } from "next-intl";

import { api, attempt } from "@/api/browser";
import type { components } from "@/api/schema";
import { PlainForm } from "@/components/ui/plain-form";
import { useToast } from "@/components/ui/toasts";

type Preference = components["schemas"]["PreferenceView"];

/** Each kind of occasion and each way to hear of it, in one table. */
export function Preferences({ preferences, version }: { preferences: Preference[]; version: number }) {
  const t = useTranslations("settings");
  const kinds = useTranslations("noticeKinds");
  const show = useToast();
  return (
    <PlainForm
      submit={t("save")}
      send={(form) =>
        attempt(
          api.PUT("/api/notifications/preferences", {
            body: { version, preferences: preferences.map(({ kind }) => ({ kind, inApp: form.get(`${kind}-inApp`) === "on", email: form.get(`${kind}-email`) === "on" })) },
          }),
        )
      }
      onDone={() => show({ text: t("saved") })}
    >
      {() => (
        <table className="data-table">
          <caption className="sr-only">{t("notices")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("occasion")}</th>
              <th scope="col" className="w-24 text-center!">
                {t("inApp")}
              </th>
              <th scope="col" className="w-24 text-center!">
                {t("byEmail")}
              </th>
            </tr>
          </thead>
          <tbody>
            {preferences.map(({ kind, inApp, email }) => (
              <tr key={kind}>
                <th scope="row">{kinds.has(kind) ? kinds(kind) : kind}</th>
                {(["inApp", "email"] as const).map((way) => (
                  <td key={way}>
                    <label className="grid min-h-9 place-items-center">
                      <span className="sr-only">{t("tell", { kind: kinds.has(kind) ? kinds(kind) : kind, way: t(way === "inApp" ? "inApp" : "byEmail") })}</span>
                      <input type="checkbox" className="work-box" name={`${kind}-${way}`} defaultChecked={way === "inApp" ? inApp : email} />
                    </label>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </PlainForm>
  );
}
