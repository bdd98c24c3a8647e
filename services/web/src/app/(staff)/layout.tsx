import { getTranslations } from "next-intl/server";
import { redirect } from "next/navigation";
import type { ReactNode } from "react";

import { api, attempt, me, session } from "@/api/server";
import { CommandsProvider } from "@/components/shell/commands";
import { Connection } from "@/components/shell/connection";
import { Rail } from "@/components/shell/rail";
import { FollowProfile } from "@/components/shell/follow-profile";
import { SkipLink } from "@/components/shell/skip-link";
import { Words } from "@/components/shell/words";
import { Refresher } from "@/components/ui/refresher";
import { ToastProvider } from "@/components/ui/toasts";
import { isBuyer, may } from "@/lib/access";

/** The staff's side. A buyer has another. */
export default async function StaffLayout({ children }: { children: ReactNode }) {
  const who = await me();
  if (isBuyer(who)) redirect("/");
  const client = await api();
  const [t, current, overdue, notices] = await Promise.all([
    getTranslations("shell"),
    session(),
    attempt(client.GET("/api/tasks", { params: { query: { assigneeId: who.user.id, status: "OVERDUE", limit: 100 } } })),
    attempt(client.GET("/api/notifications", { params: { query: { limit: 1 } } })),
  ]);
  return (
    <Words of="all">
      <ToastProvider>
        <meta name="csrf-token" content={current?.csrfToken} />
        <FollowProfile locale={who.locale ?? null} theme={who.theme} />
        <SkipLink label={t("skip")} />
        <CommandsProvider reader={{ isAdmin: who.user.role === "ADMIN", mayCreate: may(who, "create_deals") }}>
        <div className="shell">
          <Rail
            name={who.user.fullName}
            organization={who.organization.name}
            overdue={overdue.data?.items.length ?? 0}
            unread={notices.data?.unreadCount ?? 0}
            isAdmin={who.user.role === "ADMIN"}
            mayCreate={may(who, "create_deals")}
          />
          <main id="main" className="page" tabIndex={-1}>
            <Connection zone={who.organization.timezone} />
            {who.emailVerified || who.user.role !== "ADMIN" ? null : (
              <p className="note note-warn m-4 mb-0 md:mx-7" role="status">
                {t("verifyFirst")}
              </p>
            )}
            {children}
          </main>
        </div>
        </CommandsProvider>
        <Refresher />
      </ToastProvider>
    </Words>
  );
}
