import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { me } from "@/api/server";

import { PasswordForm } from "./password-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("settings"))("tab.security") };
}

export default async function SecurityPage() {
  const [t, who] = await Promise.all([getTranslations("settings"), me()]);
  return (
    <section className="card p-5" aria-labelledby="password">
      <h2 id="password" className="text-lg">
        {t("password")}
      </h2>
      <p className="mb-4 text-sm text-text-2">{t("passwordLead")}</p>
      <PasswordForm email={who.user.email} />
    </section>
  );
}
