import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { cookies } from "next/headers";

import { me } from "@/api/server";
import { themeOf } from "@/lib/appearance";

import { Appearance } from "./appearance";
import { NameForm } from "./name-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("settings"))("tab.profile") };
}

/** Who the reader is, and how the application looks and listens to them. */
export default async function ProfilePage() {
  const [t, roles, who, jar] = await Promise.all([getTranslations("settings"), getTranslations("roles"), me(), cookies()]);
  const { user } = who;
  return (
    <>
      <section className="card p-5" aria-labelledby="you">
        <h2 id="you" className="mb-4 text-lg">
          {t("you")}
        </h2>
        <NameForm name={user.fullName} />
        <dl className="task-facts">
          <dt>{t("email")}</dt>
          <dd>{user.email}</dd>
          <dt>{t("role")}</dt>
          <dd>{roles(user.role)}</dd>
        </dl>
      </section>
      <Appearance theme={themeOf(jar.get("theme")?.value)} />
    </>
  );
}
