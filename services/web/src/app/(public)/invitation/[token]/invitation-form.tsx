"use client";

import { useTranslations } from "next-intl";

import { Field } from "@/components/ui/field";

import { IdentityForm } from "../../form";
import { NewPasswordField } from "../../password-hint";

export function InvitationForm({ token }: { token: string }) {
  const t = useTranslations("identity");
  return (
    <IdentityForm
      path="/session/accept-invitation"
      submit={t("invitationSubmit")}
      extra={{ token }}
      instead={{ TOKEN_INVALID: t("invitationExpired"), EMAIL_TAKEN: t("invitationTaken") }}
      onDone={() => window.location.assign("/")}
    >
      {(errors) => (
        <>
          <Field large label={t("fullName")} name="fullName" autoComplete="name" required maxLength={200} error={errors.fullName} autoFocus />
          <NewPasswordField name="password" error={errors.password} />
        </>
      )}
    </IdentityForm>
  );
}
