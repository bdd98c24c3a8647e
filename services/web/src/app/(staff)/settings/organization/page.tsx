import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import { notFound } from "next/navigation";

import { api, me, must } from "@/api/server";
import { may } from "@/lib/access";

import { OrganizationForm } from "./organization-form";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("settings"))("tab.organization") };
}

export default async function OrganizationPage() {
  const [t, who, client] = await Promise.all([getTranslations("settings"), me(), api()]);
  if (!may(who, "manage_organization")) notFound();
  const organization = await must(client.GET("/api/organization"));
  return (
    <section className="card p-5" aria-labelledby="organization">
      <h2 id="organization" className="mb-4 text-lg">
        {t("organization")}
      </h2>
      <OrganizationForm key={organization.version} name={organization.name} zone={organization.timezone} zones={zones(organization.timezone)} version={organization.version} />
    </section>
  );
}

/** Every zone that the server knows, and the one that is chosen. */
const zones = (chosen: string): string[] => [...new Set([...Intl.supportedValuesOf("timeZone"), chosen])].sort();
