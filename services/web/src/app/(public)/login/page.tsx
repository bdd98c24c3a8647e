import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";
import { redirect } from "next/navigation";

import { session } from "@/api/server";
import { ownPath } from "@/lib/own-path";

import { LoginForm } from "./login-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("identity"))("loginTitle") };
}

export default async function LoginPage({ searchParams }: { searchParams: Promise<{ next?: string; done?: string }> }) {
  const { next, done } = await searchParams;
  if (await session()) redirect(ownPath(next));
  const t = await getTranslations("identity");
  return (
    <>
      <h1>{t("loginTitle")}</h1>
      <p className="identity-lead">{done === "reset" ? t("resetDone") : next ? t("loginToGoOn") : t("loginLead")}</p>
      <LoginForm next={ownPath(next)} />
      <p className="identity-foot">
        {t.rich("noAccount", {
          link: (text) => (
            <Link className="link" href="/signup">
              {text}
            </Link>
          ),
        })}
      </p>
    </>
  );
}
