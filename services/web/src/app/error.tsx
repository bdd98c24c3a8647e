"use client";

import { useTranslations } from "next-intl";

/** Any page that could not be made. The reference finds it in the log of the server. */
export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  const t = useTranslations("errors");
  return (
    <div className="identity">
      <div className="identity-box">
        <h1>{t("broken")}</h1>
        <p className="identity-lead">{t("brokenWhy")}</p>
        {error.digest ? <p className="mt-2 text-sm text-text-2">{t("reference", { digest: error.digest })}</p> : null}
        <p className="mt-6">
          <button type="button" className="btn btn-primary btn-lg" onClick={reset}>
            {t("tryAgain")}
          </button>
        </p>
      </div>
    </div>
  );
}
