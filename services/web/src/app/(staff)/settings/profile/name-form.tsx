"use client";

import { useTranslations } from "next-intl";

import { api, attempt } from "@/api/browser";
import type { components } from "@/api/schema";
import { Field } from "@/components/ui/field";
import { textOf } from "@/components/ui/use-form";
import { PlainForm } from "@/components/ui/plain-form";
import { useToast } from "@/components/ui/toasts";

type Body = components["schemas"]["UserBody"];

export function NameForm({ id, name, version }: { id: string; name: string; version: number }) {
  const t = useTranslations("settings");
  const show = useToast();
  return (
    <PlainForm
      submit={t("save")}
      send={(form) =>
        attempt(
          api.PATCH("/api/users/{id}", {
            params: { path: { id }, header: { "If-Match": `"${version}"` } },
            headers: { "content-type": "application/merge-patch+json" },
            body: { fullName: textOf(form, "fullName") } as Body,
          }),
        )
      }
      onDone={() => show({ text: t("saved") })}
    >
      {(errors) => <Field label={t("name")} name="fullName" required maxLength={200} defaultValue={name} autoComplete="name" error={errors.fullName} />}
    </PlainForm>
  );
}
