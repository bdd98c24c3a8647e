import { getTranslations } from "next-intl/server";

import { me } from "@/api/server";
import type { User } from "@/api/types";
import { Avatar } from "@/components/domain/person";
import { Empty, Failed } from "@/components/ui/states";
import { may } from "@/lib/access";
import { partInWords } from "@/lib/words";

import { loadDeal, loadParties, loadPeople } from "../load";
import { AddParty } from "./add-party";

const ROLES = ["buyer", "seller", "buyer_agent", "listing_agent", "transaction_coordinator", "lender", "title_escrow", "attorney", "inspector", "appraiser", "other"];

/** Everybody who takes part, and how to reach them. */
export default async function PartiesPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const [t, parts, who, deal, found, people] = await Promise.all([getTranslations("parties"), getTranslations("roles"), me(), loadDeal(id), loadParties(id), loadPeople()]);
  if (found.problem) {
    return (
      <div className="page-body">
        <Failed what={t("failed")} problem={found.problem} />
      </div>
    );
  }
  const mayWrite = (may(who, "manage_tasks") || (may(who, "create_deals") && deal.createdBy === who.user.id)) && !["CLOSED", "CANCELLED"].includes(deal.status);
  const add = mayWrite ? <AddParty dealId={id} roles={ROLES} people={(people.data?.items ?? []).map((user: User) => ({ id: user.id, name: user.fullName }))} /> : null;
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
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}
