import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";

import { api, me, must } from "@/api/server";
import { clientName } from "@/lib/client-name";
import { instantInWords } from "@/lib/days";

import { PasswordForm } from "./password-form";
import { SessionList } from "./session-list";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("settings"))("tab.security") };
}

/** As many as a user can have at a time, and more. */
const SESSIONS = 100;

/** Where the reader is signed in, and the password. */
export default async function SecurityPage() {
  const [t, sessions, locale, who, client] = await Promise.all([getTranslations("settings"), getTranslations("sessions"), getLocale(), me(), api()]);
  const { items } = await must(client.GET("/api/auth/sessions", { params: { query: { limit: SESSIONS } } }));
  const inWords = (instant: string) => instantInWords(locale, who.organization.timezone, instant);
  const shown = items.map(({ id, isCurrent, address, startedAt, lastUsedAt, client: named }) => ({ id, isCurrent, address: address ?? "", since: inWords(startedAt), used: inWords(lastUsedAt), ...clientName(named) }));
  return (
    <>
      <section className="card p-5" aria-labelledby="sessions">
        <h2 id="sessions" className="text-lg">
          {sessions("title")}
        </h2>
        <p className="mb-4 text-sm text-text-2">{sessions("lead")}</p>
        <SessionList sessions={shown.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent))} />
      </section>
      <section className="card p-5" aria-labelledby="password">
        <h2 id="password" className="text-lg">
          {t("password")}
        </h2>
        <p className="mb-4 text-sm text-text-2">{t("passwordLead")}</p>
        <PasswordForm email={who.user.email} />
      </section>
    </>
  );
}
