"use client";

import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { startTransition } from "react";

export type BrokenProps = { error: Error & { digest?: string }; reset: () => void };

/** A page that could not be made: nothing was half saved, another attempt, and the reference that finds it in the server's log. */
export function Broken({ error, reset }: BrokenProps) {
  const t = useTranslations("errors");
  const router = useRouter();
  const again = () =>
    startTransition(() => {
      router.refresh();
      reset();
    });
  return (
    <>
      <h1>{t("broken")}</h1>
      <p className="identity-lead">{t("brokenWhy")}</p>
      {error.digest ? <p className="mt-2 text-sm text-text-2">{t("reference", { digest: error.digest })}</p> : null}
      <p className="mt-6">
        <button type="button" className="btn btn-primary btn-lg" onClick={again}>
          {t("tryAgain")}
        </button>
      </p>
    </>
  );
}
