import type { ReactNode } from "react";

import { me, session } from "@/api/server";
import { Words } from "@/components/shell/words";
import { Refresher } from "@/components/ui/refresher";

/** The buyer's side: another product, with its own frame. Staff come here to see what the buyer sees. */
export default async function BuyerLayout({ children }: { children: ReactNode }) {
  await me();
  return (
    <div className="buyer">
      <meta name="csrf-token" content={(await session())?.csrfToken} />
      <Words of={["buyer"]}>{children}</Words>
      <Refresher />
    </div>
  );
}
