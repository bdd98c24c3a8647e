import "server-only";

import { api, attempt, must } from "@/api/server";
import type { Deal, DealSummary } from "@/api/types";
import { dayIn, daysBetween } from "@/lib/days";
import { inTurns } from "@/lib/in-turns";

/** A deal as the board and the table show it. What its summary did not say is absent. */
export type DealCard = {
  id: string;
  name: string;
  city: string;
  status: string;
  closingDate: string | null;
  daysToClosing: number | null;
  price: { amount: string; currency: string } | null;
  heldReason: string | null;
  heldDays: number | null;
  buyer: string;
  agent: string;
  stage: string;
  done: number;
  total: number;
  overdue: number;
  firstOverdue: string | null;
  blocked: number;
  nextDue: { title: string; date: string } | null;
};

export const STATUSES = ["DRAFT", "ACTIVE", "ON_HOLD", "CLOSED", "CANCELLED"] as const;
export const SORTS = ["closingDate", "-closingDate", "name", "-name", "-createdAt"] as const;

export type DealQuery = { status: string[]; q: string; sort: (typeof SORTS)[number]; late: boolean; cursor?: string };

/** A page of deals; each has its summary fetched, some at a time. */
const PAGE = 50;
const AT_ONCE = 8;

export async function loadDeals(query: DealQuery, today: string): Promise<{ cards: DealCard[]; nextCursor: string | null }> {
  const client = await api();
  const page = await must(
    client.GET("/api/deals", {
      params: {
        query: {
          status: query.status.join(","),
          sort: query.sort,
          limit: PAGE,
          ...(query.q ? { q: query.q } : {}),
          ...(query.late ? { overdue: true } : {}),
          ...(query.cursor ? { cursor: query.cursor } : {}),
        },
      },
    }),
  );
  const summaries = await inTurns(page.items, AT_ONCE, (deal) => attempt(client.GET("/api/deals/{id}/summary", { params: { path: { id: deal.id } } })));
  return { cards: page.items.map((deal, index) => card(deal, summaries[index]?.data, today)), nextCursor: page.nextCursor ?? null };
}

function card(deal: Deal, summary: DealSummary | undefined, today: string): DealCard {
  const named = (role: string) => (summary?.parties ?? []).filter((party) => party.role === role).map((party) => party.name);
  return {
    id: deal.id,
    name: deal.propertyAddress.unit ? `${deal.name} #${deal.propertyAddress.unit}` : deal.name,
    city: deal.propertyAddress.city,
    status: deal.status,
    closingDate: deal.closingDate ?? null,
    daysToClosing: summary?.daysToClosing ?? null,
    price: deal.purchasePrice ?? null,
    heldReason: deal.status === "ON_HOLD" ? (deal.statusReason ?? null) : null,
    heldDays: deal.heldSince ? daysBetween(dayIn(deal.timeZone, new Date(deal.heldSince)), today) : null,
    buyer: named("buyer").join(", "),
    agent: named("buyer_agent")[0] ?? named("listing_agent")[0] ?? "",
    stage: summary?.currentMilestone?.title ?? "",
    done: summary?.progress.done ?? 0,
    total: summary?.progress.total ?? 0,
    overdue: summary?.overdue.length ?? 0,
    firstOverdue: summary?.overdue[0]?.title ?? null,
    blocked: summary?.taskCounts.BLOCKED ?? 0,
    nextDue: summary?.nextDue?.dueDate ? { title: summary.nextDue.title, date: summary.nextDue.dueDate } : null,
  };
}

export type Column = "thisWeek" | "nextWeek" | "inTwoWeeks" | "later" | "past" | "noDate" | "onHold";
const SATURDAY = 6;

/** Where a deal is on the board: by the week in which it closes. A week ends on Saturday. */
export function column(card: Pick<DealCard, "status" | "closingDate">, today: string): Column {
  if (card.status === "ON_HOLD") return "onHold";
  if (!card.closingDate) return "noDate";
  const days = daysBetween(today, card.closingDate);
  if (days < 0) return "past";
  const toSaturday = SATURDAY - new Date(`${today}T00:00:00Z`).getUTCDay();
  if (days <= toSaturday) return "thisWeek";
  if (days <= toSaturday + 7) return "nextWeek";
  return days <= toSaturday + 14 ? "inTwoWeeks" : "later";
}

/** The sum of money in one currency, exact; null where some of it is hidden or currencies differ. */
export function total(cards: Pick<DealCard, "price">[]): { amount: string; currency: string } | null {
  const currency = cards[0]?.price?.currency;
  let cents = 0n;
  for (const { price } of cards) {
    if (!price || price.currency !== currency) return null;
    const [whole = "0", part = ""] = price.amount.split(".");
    cents += BigInt(whole) * 100n + BigInt(part.padEnd(2, "0").slice(0, 2));
  }
  return currency ? { amount: `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`, currency } : null;
}
