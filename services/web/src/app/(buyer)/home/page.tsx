import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, me, must } from "@/api/server";
import { LanguageSwitch } from "@/components/shell/language";
import { Mark } from "@/components/ui/mark";

import { LeaveButton } from "../leave-button";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("buyer"))("homes") };
}

/** For a buyer with several deals, or with none yet. */
export default async function HomePage() {
  const [t, who, client] = await Promise.all([getTranslations("buyer"), me(), api()]);
  const { items } = await must(client.GET("/api/deals", { params: { query: { limit: 50 } } }));
  return (
    <>
      <header className="buyer-head">
        <div className="buyer-in">
          <p className="buyer-brand">
            <Mark />
            <span>{who.organization.name}</span>
            <span className="flex-1" />
            <LanguageSwitch className="buyer-link" />
            <LeaveButton />
          </p>
          <h1>{items.length ? t("homes") : t("noHomes")}</h1>
          {items.length ? null : <p className="buyer-address">{t("noHomesWhy")}</p>}
        </div>
      </header>
      <main id="main" tabIndex={-1} className="buyer-body is-single">
        {items.map((deal) => (
          <Link key={deal.id} href={`/timeline/${deal.id}`} className="buyer-card block">
            <b className="text-lg">{deal.name}</b>
            <span className="block text-text-2">{`${deal.propertyAddress.city}, ${deal.propertyAddress.stateOrProvince}`}</span>
          </Link>
        ))}
      </main>
    </>
  );
}
