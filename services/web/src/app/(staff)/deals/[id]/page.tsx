import { Anchor, ChevronDown, Eye, Mail, Phone } from "lucide-react";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, attempt, me } from "@/api/server";
import type { Party, PlanMilestone, PlanTask, User } from "@/api/types";
import { Due } from "@/components/domain/day";
import { Avatar, NobodyAvatar, OutsideAvatar } from "@/components/domain/person";
import { TaskGlyph } from "@/components/domain/status";
import type { BatchTask } from "@/components/task/batch";
import { TaskDrawer } from "@/components/task/task-drawer";
import { AddTask } from "@/components/task/task-form";
import { Empty, Failed } from "@/components/ui/states";
import { may } from "@/lib/access";
import { dayIn, dayInWords } from "@/lib/days";
import { partInWords } from "@/lib/words";

import { PlanCheck, PlanList } from "./plan-list";
import { type Holder, holderOf, loadDeal, loadParties, loadPeople, loadPlan, loadSlack } from "./load";

const SHOWS = ["open", "all", "critical", "buyer"] as const;
type Show = (typeof SHOWS)[number];
type Props = { params: Promise<{ id: string }>; searchParams: Promise<{ show?: string; task?: string }> };

const isOver = (task: PlanTask): boolean => task.status === "COMPLETED" || task.status === "WAIVED";

/** The plan: milestones with their tasks, who has them, when they are due and how much room there is. */
export default async function PlanPage({ params, searchParams }: Props) {
  const [{ id }, query] = await Promise.all([params, searchParams]);
  const [t, parts, who, deal, plan, parties, people, slack] = await Promise.all([
    getTranslations("plan"),
    getTranslations("roles"),
    me(),
    loadDeal(id),
    loadPlan(id),
    loadParties(id),
    loadPeople(),
    loadSlack(id),
  ]);
  if (plan.problem) {
    return (
      <div className="page-body">
        <Failed what={t("failed")} problem={plan.problem} />
      </div>
    );
  }
  const today = dayIn(deal.timeZone);
  const show: Show = SHOWS.find((known) => known === query.show) ?? "open";
  const names = new Map((people.data?.items ?? []).map((user: User) => [user.id, user.fullName]));
  const partyList = parties.data?.items ?? [];
  const slacks = new Map((slack.data?.tasks ?? []).map((task) => [task.id, task.slack ?? undefined]));
  const groups: PlanMilestone[] = [
    ...plan.data.milestones,
    ...(plan.data.otherTasks.length ? [{ id: "other", title: t("other"), state: "CURRENT", tasks: plan.data.otherTasks }] : []),
  ];
  const all = groups.flatMap((group) => group.tasks);
  const titles = new Map(all.map((task) => [task.id, task]));
  const isShown = (task: PlanTask): boolean =>
    show === "all" || (show === "critical" ? task.critical && !isOver(task) : show === "buyer" ? task.buyerVisible : !isOver(task));
  const shown = groups.map((group) => ({ group, tasks: group.tasks.filter(isShown) })).filter(({ group, tasks }) => tasks.length > 0 || (show === "open" && group.tasks.length > 0));
  const mayAssign = deal.status === "ACTIVE" && (may(who, "assign_tasks") || may(who, "manage_tasks"));
  const batch: BatchTask[] = all
    .filter((task) => !isOver(task))
    .map((task) => {
      const waits = task.dependsOn.map((other) => titles.get(other)).filter((other) => other !== undefined && !isOver(other));
      return { id: task.id, title: task.title, isBlocked: waits.length > 0, waitsFor: waits[0]?.title, assigneeId: task.assigneeId ?? null };
    });
  const inWords = (role: string) => partInWords(parts, role);

  return (
    <>
      <div className="with-aside">
        <section aria-label={t("plan")} className="min-w-0">
          <div className="mb-3 flex flex-wrap items-center gap-2">
          <nav className="flex flex-wrap gap-2" aria-label={t("show")}>
            {SHOWS.map((one) => (
              <Link key={one} href={one === "open" ? `/deals/${id}` : `/deals/${id}?show=${one}`} scroll={false} className={`chip ${show === one ? "is-on" : ""}`} aria-current={show === one ? "true" : undefined}>
                {t(`shows.${one}`)}
              </Link>
            ))}
          </nav>
          <span className="flex-1" />
          {mayAssign ? <AddTask dealId={id} /> : null}
          </div>
          {all.length === 0 ? (
            <div className="card">
              <Empty title={plan.data.planState === "PENDING" ? t("pending") : t("empty")}>{plan.data.planState === "PENDING" ? t("pendingWhy") : t("emptyWhy")}</Empty>
            </div>
          ) : (
            <PlanList tasks={mayAssign ? batch : []} people={mayAssign ? (people.data?.items ?? []).map((user: User) => ({ id: user.id, name: user.fullName })) : []} me={{ id: who.user.id, name: who.user.fullName }} mayReopen={may(who, "manage_tasks")}>
            <div className="plan">
              <div className="plan-head" aria-hidden="true">
                <span />
                <span />
                <span>{t("head.task")}</span>
                <span>{t("head.waits")}</span>
                <span>{t("head.owner")}</span>
                <span className="text-end">{t("head.due")}</span>
                <span className="text-end">{t("head.slack")}</span>
              </div>
              {shown.map(({ group, tasks }) => {
                const done = group.tasks.filter(isOver).length;
                return (
                  <details key={group.id} open={tasks.length > 0} className="plan-group">
                    <summary>
                      <ChevronDown size={16} className="plan-arrow text-text-3" aria-hidden="true" />
                      <h2>{group.title}</h2>
                      <span className="bar w-14" aria-hidden="true">
                        <i className="b-COMPLETED" style={{ width: `${group.tasks.length ? (done / group.tasks.length) * 100 : 0}%` }} />
                      </span>
                      <span className="tnum text-xs font-normal text-text-2">{t("done", { done, total: group.tasks.length })}</span>
                      {group.state === "DONE" ? <span className="ms-auto text-xs font-medium text-completed">{t("allDone")}</span> : null}
                    </summary>
                    <ul>
                      {tasks.map((task) => (
                        <PlanRow
                          key={task.id}
                          task={task}
                          isChoosable={mayAssign && !isOver(task)}
                          today={today}
                          slack={isOver(task) ? undefined : slacks.get(task.id)}
                          holder={holderOf(task, names, partyList)}
                          part={task.ownerRole ? inWords(task.ownerRole) : ""}
                          waits={task.dependsOn.map((other) => titles.get(other)).filter((other): other is PlanTask => other !== undefined && !isOver(other))}
                          href={`/deals/${id}?${new URLSearchParams({ ...(show === "open" ? {} : { show }), task: task.id })}`}
                        />
                      ))}
                    </ul>
                  </details>
                );
              })}
            </div>
            </PlanList>
          )}
        </section>
        <aside className="aside plan-aside" aria-label={t("aside")}>
          {deal.status === "ACTIVE" ? <HoldsUp path={(slack.data?.criticalPath ?? []).flatMap((other) => titles.get(other) ?? [])} names={names} parties={partyList} zone={deal.timeZone} href={`/deals/${id}`} /> : null}
          <People parties={partyList} inWords={inWords} href={`/deals/${id}/parties`} />
        </aside>
      </div>
      {query.task ? <TaskDrawer id={query.task} who={who} /> : null}
    </>
  );
}

type RowProps = { task: PlanTask; isChoosable: boolean; today: string; slack?: number; holder?: Holder; part: string; waits: PlanTask[]; href: string };

async function PlanRow({ task, isChoosable, today, slack, holder, part, waits, href }: RowProps) {
  const t = await getTranslations("plan");
  const isDone = isOver(task);
  return (
    <li className={`plan-row ${isDone ? "is-done" : ""}`} data-task={task.id}>
      <span className="plan-check">{isChoosable ? <PlanCheck id={task.id} title={task.title} /> : null}</span>
      <TaskGlyph status={task.status} />
      <span className="plan-title">
        <Link href={href} scroll={false} className="row-link clip-wide font-medium" title={task.title}>
          {task.title}
        </Link>
        {task.critical ? <Anchor size={14} className="crit" role="img" aria-label={t("critical")} /> : null}
        {task.buyerVisible ? <Eye size={14} className="flex-none text-text-3" role="img" aria-label={t("buyerSees")} /> : null}
      </span>
      <span className="plan-waits clip" title={waits.map((other) => other.title).join("\n")}>
        {waits.length === 1 ? waits[0]?.title : waits.length ? t("tasks", { count: waits.length }) : ""}
      </span>
      <span className="plan-owner">
        {holder ? (
          <>
            {holder.isUser ? <Avatar name={holder.text} size={22} /> : <OutsideAvatar name={holder.text} size={22} />}
            <span className="clip">{holder.text}</span>
          </>
        ) : (
          <>
            <NobodyAvatar label={t("nobody")} size={22} />
            <span className="clip text-text-2">{part || t("nobody")}</span>
          </>
        )}
      </span>
      <span className="plan-due">
        <Due date={task.dueDate} today={today} projected={task.projected} isOpen={!isDone} showsDistance={false} />
      </span>
      <span className={`plan-slack tnum ${slack !== undefined && slack < 0 ? "late" : "text-text-2"}`}>{slack === undefined ? "" : t("slack", { days: slack })}</span>
    </li>
  );
}

type HoldsProps = { path: PlanTask[]; names: Map<string, string>; parties: Party[]; zone: string; href: string };

/** The chain that the closing waits for, down to the person who has the next step, with the way to reach them. */
async function HoldsUp({ path, names, parties, zone, href }: HoldsProps) {
  const [t, locale, client] = await Promise.all([getTranslations("plan"), getLocale(), api()]);
  const open = path.filter((task) => !isOver(task));
  const [now, ...then] = open;
  if (!now) return null;
  const holder = holderOf(now, names, parties);
  const waiting = then.find((task) => task.status === "BLOCKED");
  const why = waiting ? await attempt(client.GET("/api/tasks/{id}/why-blocked", { params: { path: { id: waiting.id } } })) : undefined;
  const here = why?.data?.frontier.find((task) => task.id === now.id);
  const first = holder?.party?.name.split(" ")[0] ?? "";
  return (
    <section className="card" aria-labelledby="holds-up">
      <h2 className="card-title mb-2" id="holds-up">
        {t("holdsUp")}
      </h2>
      <ol className="chain">
        {then
          .slice(0, 2)
          .reverse()
          .map((task) => (
            <li key={task.id}>
              <TaskGlyph status={task.status} size={15} />
              <p>
                <Link href={`${href}?task=${task.id}`} scroll={false} className="hover:underline">
                  {task.title}
                </Link>
                <small>{t("waits")}</small>
              </p>
            </li>
          ))}
        <li>
          <TaskGlyph status={now.status} size={15} />
          <p>
            <Link href={`${href}?task=${now.id}`} scroll={false} className="font-semibold hover:underline">
              {now.title}
            </Link>
            <small>
              {holder ? holder.text : t("nobody")}
              {here?.since ? t("since", { date: dayInWords(locale, dayIn(zone, new Date(here.since)), "plain") }) : ""}
              {now.dueDate ? t("dueOn", { date: dayInWords(locale, now.dueDate, "plain") }) : ""}
            </small>
          </p>
        </li>
      </ol>
      {holder?.party?.phone || holder?.party?.email ? (
        <p className="mt-3 flex flex-wrap gap-2">
          {holder.party.phone ? (
            <a className="btn" href={`tel:${holder.party.phone.replace(/[^\d+]/g, "")}`}>
              <Phone size={14} aria-hidden="true" />
              {t("call", { name: first })}
            </a>
          ) : null}
          {holder.party.email ? (
            <a className="btn" href={`mailto:${holder.party.email}`}>
              <Mail size={14} aria-hidden="true" />
              {t("write")}
            </a>
          ) : null}
        </p>
      ) : null}
    </section>
  );
}

const PEOPLE = 6;

async function People({ parties, inWords, href }: { parties: Party[]; inWords: (role: string) => string; href: string }) {
  const t = await getTranslations("plan");
  return (
    <section className="card" aria-labelledby="people">
      <h2 className="card-title mb-2" id="people">
        {t("people")}
      </h2>
      {parties.length === 0 ? <p className="text-sm text-text-2">{t("noPeople")}</p> : null}
      <ul>
        {parties.slice(0, PEOPLE).map((party) => (
          <li key={party.id} className="grid grid-cols-[1.5rem_minmax(0,1fr)_auto] items-center gap-2.5 py-1.5 text-sm leading-tight">
            {party.userId || !party.company ? <Avatar name={party.name} /> : <OutsideAvatar name={party.company} />}
            <span className="min-w-0">
              <span className="clip block font-medium">{party.company && !party.userId ? party.company : party.name}</span>
              <span className="clip block text-xs text-text-2">{party.company && !party.userId ? `${inWords(party.role)} · ${party.name}` : inWords(party.role)}</span>
            </span>
            <span className="flex gap-1 text-link">
              {party.phone ? (
                <a className="icon-link" href={`tel:${party.phone.replace(/[^\d+]/g, "")}`} aria-label={t("callNumber", { name: party.name, number: party.phone })} title={party.phone}>
                  <Phone size={15} aria-hidden="true" />
                </a>
              ) : null}
              {party.email ? (
                <a className="icon-link" href={`mailto:${party.email}`} aria-label={t("writeTo", { name: party.name })} title={party.email}>
                  <Mail size={15} aria-hidden="true" />
                </a>
              ) : null}
            </span>
          </li>
        ))}
      </ul>
      <p className="mt-1.5 text-sm">
        <Link className="link" href={href}>
          {t("allParties", { count: parties.length })}
        </Link>
      </p>
    </section>
  );
}
