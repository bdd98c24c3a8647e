import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";
import { redirect } from "next/navigation";

import { session } from "@/api/server";

import { SignUpForm } from "./sign-up-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("identity"))("signUpTitle") };
}

export default async function SignUpPage() {
  if (await session()) redirect("/");
  const t = await getTranslations("identity");
  return (
    <>
      <h1>{t("signUpTitle")}</h1>
      <p className="identity-lead">{t("signUpLead")}</p>
      <SignUpForm />
      <p className="identity-foot">
        {t.rich("haveAccount", {
          link: (text) => (
            <Link className="link" href="/login">
              {text}
            </Link>
          ),
        })}
      </p>
    </>
  );
}
