import { getTranslations } from "next-intl/server";

import { me } from "@/api/server";
import type { Party, User } from "@/api/types";
import { Avatar } from "@/components/domain/person";
import { Empty, Failed } from "@/components/ui/states";
import { may } from "@/lib/access";
import { partInWords } from "@/lib/words";

import { loadDeal, loadParties, loadPeople, loadPlan } from "../load";
import { AddParty, PartyRowActions } from "./party-actions";

/** Everybody who takes part, and how to reach them. */
export default async function PartiesPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const [t, parts, who, deal, found, people, plan] = await Promise.all([getTranslations("parties"), getTranslations("roles"), me(), loadDeal(id), loadParties(id), loadPeople(), loadPlan(id)]);
  if (found.problem) {
    return (
      <div className="page-body">
        <Failed what={t("failed")} problem={found.problem} />
      </div>
    );
  }
  const mayWrite = (may(who, "manage_tasks") || (may(who, "create_deals") && deal.createdBy === who.user.id)) && !["CLOSED", "CANCELLED"].includes(deal.status);
  const staff = (people.data?.items ?? []).map((user: User) => ({ id: user.id, name: user.fullName }));
  const add = mayWrite ? <AddParty dealId={id} people={staff} /> : null;
  const open = [...(plan.data?.milestones.flatMap((milestone) => milestone.tasks) ?? []), ...(plan.data?.otherTasks ?? [])].filter((task) => task.status !== "COMPLETED" && task.status !== "WAIVED");
  /** Open tasks that a party has alone. */
  const orphansOf = (party: Party) =>
    found.data.items.some((other) => other.id !== party.id && other.role === party.role) ? [] : open.filter((task) => task.ownerRole === party.role).map((task) => task.title);
  return (
    <div className="page-body">
      {add ? <div className="mb-3">{add}</div> : null}
      <div className="card overflow-hidden">
        {found.data.items.length === 0 ? (
          <Empty title={t("empty")}>{t("emptyWhy")}</Empty>
        ) : (
          <table className="data-table is-cards">
            <caption className="sr-only">{t("caption")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("head.name")}</th>
                <th scope="col">{t("head.part")}</th>
                <th scope="col">{t("head.company")}</th>
                <th scope="col">{t("head.phone")}</th>
                <th scope="col">{t("head.email")}</th>
                <th scope="col">{t("head.login")}</th>
                {mayWrite ? (
                  <th scope="col">
                    <span className="sr-only">{t("head.acts")}</span>
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {found.data.items.map((party) => (
                <tr key={party.id}>
                  <th scope="row">
                    <span className="flex items-center gap-2.5">
                      <Avatar name={party.name} />
                      {party.name}
                    </span>
                  </th>
                  <td>{partInWords(parts, party.role)}</td>
                  <td>{party.company}</td>
                  <td className="whitespace-nowrap">
                    {party.phone ? (
                      <a className="link" href={`tel:${party.phone.replace(/[^\d+]/g, "")}`}>
                        {party.phone}
                      </a>
                    ) : null}
                  </td>
                  <td>
                    {party.email ? (
                      <a className="link" href={`mailto:${party.email}`}>
                        {party.email}
                      </a>
                    ) : null}
                  </td>
                  <td className="text-text-2">{party.userId ? t("hasLogin") : t("noLogin")}</td>
                  {mayWrite ? (
                    <td className="text-end max-md:text-start">
                      <PartyRowActions party={party} people={staff} orphans={orphansOf(party)} />
                    </td>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}
