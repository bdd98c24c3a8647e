import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { api, must } from "@/api/server";

import { Preferences } from "./preferences";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("settings"))("tab.notifications") };
}

export default async function NotificationSettingsPage() {
  const [t, client] = await Promise.all([getTranslations("settings"), api()]);
  const { preferences, version } = await must(client.GET("/api/notifications/preferences"));
  return (
    <section className="card p-5" aria-labelledby="notices">
      <h2 id="notices" className="text-lg">
        {t("notices")}
      </h2>
      <p className="mb-4 text-sm text-text-2">{t("noticesLead")}</p>
      <Preferences key={version} preferences={preferences} version={version} />
    </section>
  );
}
