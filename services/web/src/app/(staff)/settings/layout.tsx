import { getTranslations } from "next-intl/server";
import type { ReactNode } from "react";

import { me } from "@/api/server";
import { may } from "@/lib/access";

import { SettingsTabs } from "./settings-tabs";

export default async function SettingsLayout({ children }: { children: ReactNode }) {
  const [t, who] = await Promise.all([getTranslations("settings"), me()]);
  return (
    <>
      <header className="page-head">
        <h1>{t("title")}</h1>
      </header>
      <SettingsTabs mayOrganize={may(who, "manage_organization")} />
      <div className="page-body grid max-w-3xl content-start gap-5">{children}</div>
    </>
  );
}
