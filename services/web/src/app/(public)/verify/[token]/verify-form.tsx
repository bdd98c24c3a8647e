"use client";

import { useTranslations } from "next-intl";
import Link from "next/link";
import { useState } from "react";

import { IdentityForm } from "../../form";

/** Confirms by a click and not by opening the page: programs that look at links in mails open them too. */
export function VerifyForm({ token }: { token: string }) {
  const t = useTranslations("identity");
  const [isDone, setDone] = useState(false);
  return (
    <>
      <h1>{isDone ? t("verifiedTitle") : t("verifyTitle")}</h1>
      <p className="identity-lead" role="status">
        {isDone ? t("verified") : t("verifyLead")}
      </p>
      {isDone ? (
        <p className="mt-6">
          <Link className="btn btn-primary btn-lg" href="/">
            {t("goOn")}
          </Link>
        </p>
      ) : (
        <IdentityForm path="/session/verify" submit={t("verifySubmit")} extra={{ token }} instead={{ TOKEN_INVALID: t("verifyExpired") }} onDone={() => setDone(true)}>
          {() => null}
        </IdentityForm>
      )}
    </>
  );
}
