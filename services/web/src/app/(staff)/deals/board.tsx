import { AlarmClock, CircleCheck, CirclePause, Lock, Pencil, TriangleAlert } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import Link from "next/link";

import { Day, Distance } from "@/components/domain/day";
import { Avatar } from "@/components/domain/person";
import { moneyInWords } from "@/lib/days";

import { column, type Column, type DealCard, total } from "./load";

const COLUMNS: Column[] = ["past", "thisWeek", "nextWeek", "inTwoWeeks", "later", "noDate", "onHold"];
/** These show with nothing in them, so that the board keeps its shape. */
const ALWAYS: Column[] = ["thisWeek", "nextWeek", "inTwoWeeks", "later"];

/** Columns by the week of the closing. A card moves when its facts change, so nothing is dragged. */
export function Board({ cards, today }: { cards: DealCard[]; today: string }) {
  const t = useTranslations("deals");
  const locale = useLocale();
  const columns = COLUMNS.map((key) => ({ key, cards: cards.filter((card) => column(card, today) === key) })).filter(
    ({ key, cards: own }) => own.length > 0 || ALWAYS.includes(key),
  );
  return (
    <div className="board" style={{ "--columns": columns.length } as React.CSSProperties}>
      {columns.map(({ key, cards: own }) => {
        const sum = total(own);
        return (
          <section key={key} className={`board-column ${own.length === 0 ? "is-empty" : ""}`} aria-labelledby={`column-${key}`}>
            <header>
              <h2 id={`column-${key}`}>{t(`column.${key}`)}</h2>
              <span className="count">{own.length}</span>
              {sum ? <span className="tnum ms-auto text-xs text-text-2">{moneyInWords(locale, sum)}</span> : null}
            </header>
            {own.length === 0 ? <p className="board-none">{t("nothingCloses")}</p> : null}
            {own.map((card) => (
              <BoardCard key={card.id} card={card} today={today} />
            ))}
          </section>
        );
      })}
    </div>
  );
}

function BoardCard({ card, today }: { card: DealCard; today: string }) {
  const t = useTranslations("deals");
  const isHeld = card.status === "ON_HOLD";
  return (
    <Link href={`/deals/${card.id}`} className={`deal-card ${isHeld ? "is-held" : ""}`}>
      <span className="flex items-center justify-between gap-2">
        <b className="clip text-md tracking-tight" title={card.name}>
          {card.name}
        </b>
        {card.agent ? <Avatar name={card.agent} size={22} label /> : null}
      </span>
      <span className="clip block text-xs text-text-2">{card.buyer || t("noBuyer")}</span>
      {isHeld ? (
        <>
          <span className="mt-2 flex items-center gap-1.5 font-medium text-hold">
            <CirclePause size={15} aria-hidden="true" />
            {t("heldDays", { days: card.heldDays ?? 0 })}
          </span>
          <span className="mt-1 block text-xs text-text-2">{card.heldReason}</span>
        </>
      ) : (
        <>
          <span className="my-2 flex justify-between gap-2">
            {card.closingDate ? (
              <>
                <span className="tnum font-medium">
                  <Day date={card.closingDate} today={today} />
                </span>
                <span className="tnum text-text-2">
                  <Distance date={card.closingDate} today={today} isOpen={false} />
                </span>
              </>
            ) : (
              <span className="text-text-2">{t("noDate")}</span>
            )}
          </span>
          <Progress done={card.done} total={card.total} />
          <span className="mt-1.5 flex justify-between gap-2 text-xs text-text-2">
            <span className="clip">{card.stage}</span>
            <span className="tnum">{t("progress", { done: card.done, total: card.total })}</span>
          </span>
          <span className="deal-card-foot">
            <State card={card} />
            {card.overdue ? (
              <span className="tnum flex items-center gap-1 text-overdue" title={t("overdue", { count: card.overdue })}>
                <AlarmClock size={13} aria-hidden="true" />
                <span aria-hidden="true">{card.overdue}</span>
                <span className="sr-only">{t("overdue", { count: card.overdue })}</span>
              </span>
            ) : null}
            {card.blocked ? (
              <span className="tnum flex items-center gap-1 text-text-2" title={t("blocked", { count: card.blocked })}>
                <Lock size={13} aria-hidden="true" />
                <span aria-hidden="true">{card.blocked}</span>
                <span className="sr-only">{t("blocked", { count: card.blocked })}</span>
              </span>
            ) : null}
          </span>
        </>
      )}
    </Link>
  );
}

/** What is wrong first, or that nothing is late. */
export function State({ card }: { card: DealCard }) {
  const t = useTranslations("deals");
  if (card.status === "DRAFT") {
    return (
      <span className="flex min-w-0 flex-1 items-center gap-1.5 text-pending">
        <Pencil size={14} className="flex-none" aria-hidden="true" />
        <span className="clip font-medium">{t("draft")}</span>
      </span>
    );
  }
  if (card.firstOverdue) {
    return (
      <span className="flex min-w-0 flex-1 items-center gap-1.5 text-overdue" title={card.firstOverdue}>
        <TriangleAlert size={14} className="flex-none" aria-hidden="true" />
        <span className="clip font-medium">{t("late", { title: card.firstOverdue })}</span>
      </span>
    );
  }
  return (
    <span className="flex min-w-0 flex-1 items-center gap-1.5 text-completed">
      <CircleCheck size={14} className="flex-none" aria-hidden="true" />
      <span className="clip font-medium">{t("onTime")}</span>
    </span>
  );
}

/** How much is done; the words beside it say the same. */
export function Progress({ done, total: all }: { done: number; total: number }) {
  return (
    <span className="bar" aria-hidden="true">
      <i className="b-COMPLETED" style={{ width: `${all ? (done / all) * 100 : 0}%` }} />
    </span>
  );
}
