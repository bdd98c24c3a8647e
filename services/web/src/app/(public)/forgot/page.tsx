import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { ForgotForm } from "./forgot-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("identity"))("forgotTitle") };
}

export default function ForgotPage() {
  return <ForgotForm />;
}
