"use client";

import { useTranslations } from "next-intl";
import Link from "next/link";

import { Field, PasswordField } from "@/components/ui/field";

import { IdentityForm } from "../form";

export function LoginForm({ next }: { next: string }) {
  const t = useTranslations("identity");
  return (
    <IdentityForm path="/session/login" submit={t("loginSubmit")} onDone={() => window.location.assign(next)}>
      {(errors) => (
        <>
          <Field large label={t("email")} name="email" type="email" autoComplete="username" required error={errors.email} autoFocus />
          <div>
            <PasswordField label={t("password")} name="password" autoComplete="current-password" required error={errors.password} />
            <p className="mt-2 text-sm">
              <Link className="link" href="/forgot">
                {t("forgotLink")}
              </Link>
            </p>
          </div>
        </>
      )}
    </IdentityForm>
  );
}
