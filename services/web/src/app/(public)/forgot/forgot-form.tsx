"use client";

import { useTranslations } from "next-intl";
import Link from "next/link";
import { useState } from "react";

import { Field } from "@/components/ui/field";

import { IdentityForm } from "../form";

export function ForgotForm() {
  const t = useTranslations("identity");
  const [isSent, setSent] = useState(false);
  return (
    <>
      <h1>{isSent ? t("forgotSentTitle") : t("forgotTitle")}</h1>
      <p className="identity-lead" role="status">
        {isSent ? t("forgotSent") : t("forgotLead")}
      </p>
      {isSent ? null : (
        <IdentityForm path="/session/forgot" submit={t("forgotSubmit")} onDone={() => setSent(true)}>
          {(errors) => <Field large label={t("email")} name="email" type="email" autoComplete="username" required error={errors.email} autoFocus />}
        </IdentityForm>
      )}
      <p className="identity-foot">
        <Link className="link" href="/login">
          {t("backToLogin")}
        </Link>
      </p>
    </>
  );
}
