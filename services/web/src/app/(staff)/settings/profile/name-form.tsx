"use client";

import { useTranslations } from "next-intl";

import { changeProfile } from "@/api/me";
import { Field } from "@/components/ui/field";
import { textOf } from "@/components/ui/use-form";
import { PlainForm } from "@/components/ui/plain-form";
import { useToast } from "@/components/ui/toasts";

export function NameForm({ name }: { name: string }) {
  const t = useTranslations("settings");
  const show = useToast();
  return (
    <PlainForm
      submit={t("save")}
      send={(form) => changeProfile({ fullName: textOf(form, "fullName") })}
      onDone={() => show({ text: t("saved") })}
    >
      {(errors) => <Field label={t("name")} name="fullName" required maxLength={200} defaultValue={name} autoComplete="name" error={errors.fullName} />}
    </PlainForm>
  );
}
