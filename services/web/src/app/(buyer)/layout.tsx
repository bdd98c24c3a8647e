import type { ReactNode } from "react";

import { getTranslations } from "next-intl/server";

import { me, session } from "@/api/server";
import { Connection } from "@/components/shell/connection";
import { FollowProfile } from "@/components/shell/follow-profile";
import { SkipLink } from "@/components/shell/skip-link";
import { Words } from "@/components/shell/words";
import { Refresher } from "@/components/ui/refresher";

/** The buyer's side: another product, with its own frame. Staff come here to see what the buyer sees. */
export default async function BuyerLayout({ children }: { children: ReactNode }) {
  const [t, who] = await Promise.all([getTranslations("shell"), me()]);
  return (
    <div className="buyer">
      <meta name="csrf-token" content={(await session())?.csrfToken} />
      <FollowProfile locale={who.locale ?? null} theme={who.theme} />
      <SkipLink label={t("skip")} />
      <Words of={["buyer"]}>
        {children}
      </Words>
      <Words of={["shell"]}>
        <Connection zone={who.organization.timezone} />
      </Words>
      <Refresher />
    </div>
  );
}
