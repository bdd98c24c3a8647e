import { Check, CircleCheck, Mail, PauseCircle, Phone, ShieldAlert, TriangleAlert } from "lucide-react";
import type { Metadata } from "next";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, me, must, phrases } from "@/api/server";
import type { BuyerTimeline } from "@/api/types";
import { Distance } from "@/components/domain/day";
import { Avatar } from "@/components/domain/person";
import { LanguageSwitch } from "@/components/shell/language";
import { Mark } from "@/components/ui/mark";
import { isBuyer } from "@/lib/access";
import { headlineInWords, stageInWords, stepInWords } from "@/lib/buyer-words";
import { dayIn, dayInWords } from "@/lib/days";
import { partInWords } from "@/lib/words";

import { LeaveButton } from "../../leave-button";
import { DoneButton } from "./done-button";
import { PrintButton } from "./print-button";

type Props = { params: Promise<{ dealId: string }> };

const load = async (id: string) => must((await api()).GET("/api/deals/{id}/buyer-timeline", { params: { path: { id } } }));

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await load((await params).dealId)).propertyAddress.street };
}

/** Calm: are we on track, what is my next step, what comes, whom do I call. */
export default async function TimelinePage({ params }: Props) {
  const { dealId } = await params;
  const [t, says, parts, locale, who, timeline] = await Promise.all([getTranslations("buyer"), getTranslations("buyerHeadline"), getTranslations("roles"), getLocale(), me(), load(dealId)]);
  const address = timeline.propertyAddress;
  const done = timeline.milestones.filter((milestone) => milestone.state === "DONE").length;
  const now = timeline.milestones.filter((milestone) => milestone.state === "CURRENT").length;
  const step = timeline.nextStep;
  const today = dayIn(who.organization.timezone);
  const byDate = (one?: string | null, other?: string | null) => (one ?? "").localeCompare(other ?? "");
  const coming = timeline.tasks
    .filter((task) => task.state !== "DONE" && task.taskId !== step?.taskId && task.dueDate)
    .sort((one, other) => byDate(one.dueDate, other.dueDate));
  const dates = timeline.dates.filter((date) => date.date && date.date > today).sort((one, other) => byDate(one.date, other.date));
  const isMine = isBuyer(who);
  return (
    <>
      {isMine ? null : (
        <p className="buyer-preview">
          {t("preview")}{" "}
          <Link className="link" href={`/deals/${dealId}`}>
            {t("back")}
          </Link>
        </p>
      )}
      <header className="buyer-head">
        <div className="buyer-in">
          <p className="buyer-brand">
            <Mark />
            <span>
              {who.organization.name} <span className="buyer-with">{t("with")}</span>
            </span>
            <span className="flex-1" />
            <span className="buyer-printed">{t("printed", { date: dayInWords(locale, today, "full") })}</span>
            <LanguageSwitch className="buyer-link" />
            <PrintButton />
            {isMine ? <LeaveButton /> : null}
          </p>
          <h1>{headlineInWords(says, locale, timeline, today, await phrases())}</h1>
          <p className="buyer-address">{[[address.street, address.unit ? `#${address.unit}` : ""].filter(Boolean).join(" "), address.city, `${address.stateOrProvince} ${address.postalCode}`].join(", ")}</p>
          <HeadState timeline={timeline} />
          <p className="buyer-bar" aria-hidden="true">
            {timeline.milestones.map((milestone) => (
              <i key={milestone.id} className={`is-${milestone.state}`} />
            ))}
          </p>
          <p className="buyer-count">{t("stages", { done, total: timeline.milestones.length, now })}</p>
        </div>
      </header>
      <main id="main" tabIndex={-1} className="buyer-body">
        <div className="buyer-main">
          <section className="buyer-card is-next" aria-labelledby="next-step">
            <p className="buyer-kicker">{t("nextStep")}</p>
            {step ? (
              <>
                <h2 id="next-step">{step.title}</h2>
                {step.dueDate ? (
                  <p className="mt-2">
                    {t.rich(step.state === "LATE" ? "byLate" : "by", { date: dayInWords(locale, step.dueDate, "long"), b: (text) => <b>{text}</b> })}{" "}
                    <Distance date={step.dueDate} today={today} isOpen={false} />
                  </p>
                ) : null}
                {step.dueDate ? null : <p className="buyer-text mt-2">{stepInWords(says, step)}</p>}
                {isMine ? <DoneButton taskId={step.taskId} title={step.title} /> : null}
              </>
            ) : (
              <>
                <h2 id="next-step">{t("nothingNow")}</h2>
                <p className="buyer-text mt-2">{t("nothingNowWhy")}</p>
              </>
            )}
          </section>
          <section className="buyer-card buyer-way" aria-labelledby="way">
            <h2 id="way">{t("way")}</h2>
            <ol>
              {timeline.milestones.map((milestone) => (
                <li key={milestone.id} className={`stage is-${milestone.state}`} aria-current={milestone.state === "CURRENT" ? "step" : undefined}>
                  <span className="stage-mark" aria-hidden="true">
                    {milestone.state === "DONE" ? <Check size={16} strokeWidth={3} /> : <i />}
                  </span>
                  <div>
                    <h3>{milestone.title}</h3>
                    {milestone.completedOn ? (
                      <p>{t("doneOn", { date: dayInWords(locale, milestone.completedOn, "long") })}</p>
                    ) : milestone.state === "CURRENT" ? (
                      <p className="font-medium text-accent-text!">{stageInWords(says, timeline, milestone.state)}</p>
                    ) : (
                      <p>{stageInWords(says, timeline, milestone.state)}</p>
                    )}
                  </div>
                </li>
              ))}
            </ol>
          </section>
        </div>
        <div className="buyer-side">
          {coming.length ? (
            <section className="buyer-card" aria-labelledby="coming">
              <h2 id="coming">{t("coming")}</h2>
              <ul className="buyer-list">
                {coming.map((task) => (
                  <li key={task.taskId}>
                    <time dateTime={task.dueDate ?? undefined}>{dayInWords(locale, task.dueDate ?? "", "plain")}</time>
                    <span>
                      <b>{task.title}</b>
                    </span>
                  </li>
                ))}
              </ul>
            </section>
          ) : null}
          {dates.length ? (
            <section className="buyer-card buyer-dates" aria-labelledby="dates">
              <h2 id="dates">{t("dates")}</h2>
              <ul className="buyer-list">
                {dates.map((date) => (
                  <li key={date.key}>
                    <time dateTime={date.date ?? undefined}>{dayInWords(locale, date.date ?? "", "plain")}</time>
                    <span>{date.title}</span>
                  </li>
                ))}
              </ul>
            </section>
          ) : null}
          <section className="buyer-wire" aria-labelledby="wire">
            <ShieldAlert size={20} aria-hidden="true" />
            <p>
              <b id="wire">{t("wireTitle")}</b> {t("wireNotice")}
            </p>
          </section>
          {timeline.contacts.length ? (
            <section className="buyer-card" aria-labelledby="call">
              <h2 id="call">{t("call")}</h2>
              <ul>
                {timeline.contacts.map((contact) => (
                  <li key={contact.role + contact.name} className="buyer-person">
                    <Avatar name={contact.name} size={40} />
                    <span className="min-w-0">
                      <b className="block font-medium">{contact.name}</b>
                      <small className="block">{[partInWords(parts, contact.role), contact.company].filter(Boolean).join(", ")}</small>
                      {contact.phone ? <small className="buyer-number">{contact.phone}</small> : null}
                    </span>
                    <span className="flex gap-2">
                      {contact.phone ? (
                        <a className="buyer-call" href={`tel:${contact.phone.replace(/[^\d+]/g, "")}`} aria-label={`${t("callName", { name: contact.name })} ${contact.phone}`}>
                          <Phone size={18} aria-hidden="true" />
                        </a>
                      ) : null}
                      {contact.email ? (
                        <a className="buyer-call" href={`mailto:${contact.email}`} aria-label={t("write", { name: contact.name })}>
                          <Mail size={18} aria-hidden="true" />
                        </a>
                      ) : null}
                    </span>
                  </li>
                ))}
              </ul>
            </section>
          ) : null}
        </div>
      </main>
    </>
  );
}

const HEAD_ICONS = { ON_TRACK: CircleCheck, CLOSED: CircleCheck, PREPARING: CircleCheck, LATE: TriangleAlert, PAUSED: PauseCircle, CANCELLED: TriangleAlert };

async function HeadState({ timeline }: { timeline: BuyerTimeline }) {
  const t = await getTranslations("buyerState");
  const state = timeline.headline.state as keyof typeof HEAD_ICONS;
  const Icon = HEAD_ICONS[state] ?? CircleCheck;
  return (
    <p className={`buyer-state is-${state}`}>
      <Icon size={18} aria-hidden="true" />
      {t.has(state) ? t(state) : null}
    </p>
  );
}
