import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { ResetForm } from "./reset-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("identity"))("resetTitle"), referrer: "no-referrer" };
}

export default async function ResetPage({ params }: { params: Promise<{ token: string }> }) {
  const { token } = await params;
  const t = await getTranslations("identity");
  return (
    <>
      <h1>{t("resetTitle")}</h1>
      <p className="identity-lead">{t("resetLead")}</p>
      <ResetForm token={decodeURIComponent(token)} />
    </>
  );
}
