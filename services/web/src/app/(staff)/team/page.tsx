import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";

import { api, me, must } from "@/api/server";
import { Avatar } from "@/components/domain/person";
import { dayIn, dayInWords } from "@/lib/days";

import { ChangeRole, Disable, Invite } from "./people-actions";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("team"))("title") };
}

const PAGE = 100;
const ROLES = ["BUYER_AGENT", "TRANSACTION_COORDINATOR", "BUYER", "ADMIN"];
const STATE: Record<string, string> = { ACTIVE: "t-COMPLETED", INVITED: "t-IN_PROGRESS", DISABLED: "t-WAIVED" };

/** Who belongs to the organization. Administrators invite and disable; others see names and roles. */
export default async function TeamPage() {
  const [t, roles, locale, who, client] = await Promise.all([getTranslations("team"), getTranslations("roles"), getLocale(), me(), api()]);
  const { items } = await must(client.GET("/api/users", { params: { query: { limit: PAGE } } }));
  const isAdmin = who.user.role === "ADMIN";
  return (
    <>
      <header className="page-head">
        <h1>{t("title")}</h1>
        <p className="page-sub">{t("count", { count: items.length })}</p>
        <span className="flex-1" />
        {isAdmin ? <Invite roles={ROLES} /> : null}
      </header>
      <div className="page-body">
        <div className="card overflow-hidden">
          <table className="data-table is-cards">
            <caption className="sr-only">{t("caption")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("head.name")}</th>
                <th scope="col">{t("head.role")}</th>
                {isAdmin ? (
                  <>
                    <th scope="col">{t("head.email")}</th>
                    <th scope="col">{t("head.state")}</th>
                    <th scope="col">{t("head.since")}</th>
                    <th scope="col">
                      <span className="sr-only">{t("head.acts")}</span>
                    </th>
                  </>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {items.map((user) => (
                <tr key={user.id}>
                  <th scope="row">
                    <span className="flex items-center gap-2.5">
                      <Avatar name={user.fullName} />
                      {user.fullName}
                    </span>
                  </th>
                  <td>{roles(user.role)}</td>
                  {isAdmin && "email" in user ? (
                    <>
                      <td className="text-text-2">{user.email}</td>
                      <td>
                        <span className={`pill ps-2 ${STATE[user.status] ?? ""}`}>{t(`state.${user.status}`)}</span>
                      </td>
                      <td className="whitespace-nowrap text-text-2">{dayInWords(locale, dayIn(who.organization.timezone, new Date(user.createdAt)), "plain")}</td>
                      <td className="text-end max-md:text-start">
                        {user.status !== "DISABLED" && user.id !== who.user.id ? (
                          <span className="inline-flex flex-wrap justify-end gap-2">
                            <ChangeRole id={user.id} name={user.fullName} role={user.role} version={user.version} roles={ROLES} />
                            <Disable id={user.id} name={user.fullName} />
                          </span>
                        ) : null}
                      </td>
                    </>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </>
  );
}
