"use client";

import { useTranslations } from "next-intl";
import Link from "next/link";

import { IdentityForm } from "../../form";
import { NewPasswordField } from "../../password-hint";

export function ResetForm({ token }: { token: string }) {
  const t = useTranslations("identity");
  const again = (text: React.ReactNode) => (
    <Link className="link" href="/forgot">
      {text}
    </Link>
  );
  return (
    <IdentityForm
      path="/session/reset"
      submit={t("resetSubmit")}
      extra={{ token }}
      instead={{ TOKEN_INVALID: t.rich("resetExpired", { link: again }) }}
      onDone={() => window.location.assign("/login?done=reset")}
    >
      {(errors) => <NewPasswordField name="newPassword" error={errors.newPassword} />}
    </IdentityForm>
  );
}
