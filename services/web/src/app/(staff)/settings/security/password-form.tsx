"use client";

import { useTranslations } from "next-intl";

import { api, attempt, send } from "@/api/browser";
import { NewPasswordField } from "@/app/(public)/password-hint";
import { PasswordField } from "@/components/ui/field";
import { PlainForm } from "@/components/ui/plain-form";

/** The API ends every session of the account with its password, this one too: the login is next. */
export function PasswordForm({ email }: { email: string }) {
  const t = useTranslations("settings");
  return (
    <PlainForm
      submit={t("passwordSubmit")}
      fieldOf={{ INVALID_CREDENTIALS: "currentPassword" }}
      send={(form) =>
        attempt(
          api.POST("/api/auth/password/change", {
            body: { currentPassword: String(form.get("currentPassword") ?? ""), newPassword: String(form.get("newPassword") ?? "") },
          }),
        )
      }
      onDone={async () => {
        await send("/session/logout");
        window.location.assign("/login?done=reset");
      }}
    >
      {(errors) => (
        <>
          {/* Password managers file a new password under the account that they find here. */}
          <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
          <PasswordField label={t("currentPassword")} name="currentPassword" autoComplete="current-password" required error={errors.currentPassword} />
          <NewPasswordField label={t("newPassword")} name="newPassword" error={errors.newPassword} />
        </>
      )}
    </PlainForm>
  );
}
