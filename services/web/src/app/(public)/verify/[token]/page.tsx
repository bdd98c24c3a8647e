import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { VerifyForm } from "./verify-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("identity"))("verifyTitle"), referrer: "no-referrer" };
}

export default async function VerifyPage({ params }: { params: Promise<{ token: string }> }) {
  return <VerifyForm token={decodeURIComponent((await params).token)} />;
}
