import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { InvitationForm } from "./invitation-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("identity"))("invitationTitle"), referrer: "no-referrer" };
}

export default async function InvitationPage({ params }: { params: Promise<{ token: string }> }) {
  const { token } = await params;
  const t = await getTranslations("identity");
  return (
    <>
      <h1>{t("invitationTitle")}</h1>
      <p className="identity-lead">{t("invitationLead")}</p>
      <InvitationForm token={decodeURIComponent(token)} />
    </>
  );
}
