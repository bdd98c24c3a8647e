import { ArrowDown, ArrowUp } from "lucide-react";
import { useTranslations } from "next-intl";
import Link from "next/link";

import { Day, Distance } from "@/components/domain/day";
import { Avatar } from "@/components/domain/person";
import { DealPill } from "@/components/domain/status";

import { Progress, State } from "./board";
import type { DealCard, SORTS } from "./load";

type Sort = (typeof SORTS)[number];
type Props = { cards: DealCard[]; today: string; sort: Sort; hrefOf: (sort: Sort) => string };

export function DealTable({ cards, today, sort, hrefOf }: Props) {
  const t = useTranslations("deals");
  const head = (label: string, up: Sort, down: Sort) => (
    <Link href={hrefOf(sort === up ? down : up)} className="inline-flex items-center gap-1 hover:text-text">
      {label}
      {sort === up ? <ArrowUp size={13} aria-hidden="true" /> : null}
      {sort === down ? <ArrowDown size={13} aria-hidden="true" /> : null}
    </Link>
  );
  const order = (up: Sort, down: Sort) => (sort === up ? "ascending" : sort === down ? "descending" : undefined);
  return (
    <div className="page-body">
      <div className="card overflow-x-auto" tabIndex={0} role="region" aria-label={t("table")}>
        <table className="deal-table">
          <thead>
            <tr>
              <th scope="col" aria-sort={order("name", "-name")}>
                {head(t("head.deal"), "name", "-name")}
              </th>
              <th scope="col">{t("head.status")}</th>
              <th scope="col">{t("head.stage")}</th>
              <th scope="col">{t("head.progress")}</th>
              <th scope="col">{t("head.next")}</th>
              <th scope="col" className="text-end">
                {t("head.blocked")}
              </th>
              <th scope="col" aria-sort={order("closingDate", "-closingDate")}>
                {head(t("head.closing"), "closingDate", "-closingDate")}
              </th>
              <th scope="col">{t("head.state")}</th>
            </tr>
          </thead>
          <tbody>
            {cards.map((card) => (
              <tr key={card.id}>
                <th scope="row">
                  <span className="flex items-center gap-2.5">
                    <Avatar name={card.agent || card.name} />
                    <span className="min-w-0">
                      <Link href={`/deals/${card.id}`} className="row-link font-medium">
                        {card.name}
                      </Link>
                      <span className="clip block max-w-56 text-xs font-normal text-text-2">{card.buyer || t("noBuyer")}</span>
                    </span>
                  </span>
                </th>
                <td>
                  <DealPill status={card.status} />
                </td>
                <td>{card.stage}</td>
                <td>
                  <span className="flex items-center gap-3">
                    <span className="w-20">
                      <Progress done={card.done} total={card.total} />
                    </span>
                    <span className="tnum text-text-2">{t("progress", { done: card.done, total: card.total })}</span>
                  </span>
                </td>
                <td className="max-w-48">
                  {card.nextDue ? (
                    <>
                      <span className="clip block" title={card.nextDue.title}>
                        {card.nextDue.title}
                      </span>
                      <span className="text-xs text-text-2">
                        <Day date={card.nextDue.date} style="plain" today={today} />
                      </span>
                    </>
                  ) : (
                    t("dash")
                  )}
                </td>
                <td className="tnum text-end">{card.blocked || t("dash")}</td>
                <td className="whitespace-nowrap">
                  {card.closingDate ? (
                    <>
                      <span className="tnum block font-medium">
                        <Day date={card.closingDate} today={today} />
                      </span>
                      <span className="text-xs text-text-2">
                        <Distance date={card.closingDate} today={today} isOpen={false} />
                      </span>
                    </>
                  ) : (
                    t("noDate")
                  )}
                </td>
                <td className="max-w-52">{card.status === "ON_HOLD" ? <span className="clip block text-hold">{card.heldReason}</span> : <State card={card} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
