"use client";

import { useTranslations } from "next-intl";

import { api, attempt } from "@/api/browser";
import type { components } from "@/api/schema";
import { Field, SelectField } from "@/components/ui/field";
import { textOf } from "@/components/ui/use-form";
import { PlainForm } from "@/components/ui/plain-form";
import { useToast } from "@/components/ui/toasts";

type Body = components["schemas"]["OrganizationBody"];

export function OrganizationForm({ name, zone, zones, version }: { name: string; zone: string; zones: string[]; version: number }) {
  const t = useTranslations("settings");
  const show = useToast();
  return (
    <PlainForm
      submit={t("save")}
      send={(form) => {
        const body: Body = { name: textOf(form, "name"), timezone: textOf(form, "timezone") };
        return attempt(api.PATCH("/api/organization", { params: { header: { "If-Match": `"${version}"` } }, headers: { "content-type": "application/merge-patch+json" }, body }));
      }}
      onDone={() => show({ text: t("saved") })}
    >
      {(errors) => (
        <>
          <Field label={t("organizationName")} name="name" required maxLength={200} defaultValue={name} autoComplete="organization" error={errors.name} />
          <SelectField label={t("zone")} name="timezone" defaultValue={zone} error={errors.timezone} hint={t("zoneHint")}>
            {zones.map((one) => (
              <option key={one} value={one}>
                {one.replaceAll("_", " ")}
              </option>
            ))}
          </SelectField>
        </>
      )}
    </PlainForm>
  );
}
