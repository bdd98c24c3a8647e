import "server-only";

import { Anchor, Lock, UsersRound } from "lucide-react";
import { getLocale, getTranslations } from "next-intl/server";
import Link from "next/link";

import { api, attempt } from "@/api/server";
import type { Chase, Me, Party, TaskDetail, User, WhyBlocked } from "@/api/types";
import { Due } from "@/components/domain/day";
import { Avatar, NobodyAvatar, OutsideAvatar } from "@/components/domain/person";
import { TaskGlyph, TaskPill } from "@/components/domain/status";
import { Empty, Failed } from "@/components/ui/states";
import { may } from "@/lib/access";
import { channelOf } from "@/lib/channels";
import { dayIn, dayInWords, instantInWords } from "@/lib/days";
import { partInWords, type Words } from "@/lib/words";

import { CommentForm } from "./comment-form";
import { AddDependency, RemoveDependency } from "./dependencies";
import { FollowUpActions } from "./follow-up";
import { TaskActions } from "./task-actions";

const PAGE = 100;
/** So many of the latest follow-ups are shown. */
const CHASES = 10;
/** So many of those who hold a task up are named. */
const HOLDUPS = 3;

/** A task with everything about it: why it waits, what it unlocks, what was said, and what can be done. */
export async function TaskPanel({ id, who }: { id: string; who: Me }) {
  const client = await api();
  const at = { params: { path: { id } } };
  const t = await getTranslations("task");
  const found = await attempt(client.GET("/api/tasks/{id}", at));
  if (found.problem) {
    return found.problem.status === 404 ? (
      <Empty title={t("gone")}>{t("goneWhy")}</Empty>
    ) : (
      <div className="p-6 pt-16">
        <Failed what={t("failed")} problem={found.problem} />
      </div>
    );
  }
  const task = found.data;
  const inDeal = { params: { path: { id: task.dealId } } };
  const readsChases = may(who, "view_deals") || may(who, "view_all_deals");
  const [why, comments, chases, deal, parties, users, locale, parts] = await Promise.all([
    task.isBlocked ? attempt(client.GET("/api/tasks/{id}/why-blocked", at)) : undefined,
    attempt(client.GET("/api/tasks/{id}/comments", { params: { path: { id }, query: { limit: PAGE } } })),
    readsChases ? attempt(client.GET("/api/tasks/{id}/chases", { params: { path: { id }, query: { limit: CHASES } } })) : undefined,
    attempt(client.GET("/api/deals/{id}", inDeal)),
    attempt(client.GET("/api/deals/{id}/parties", { params: { path: { id: task.dealId }, query: { limit: PAGE } } })),
    attempt(client.GET("/api/users", { params: { query: { limit: PAGE } } })),
    getLocale(),
    getTranslations("roles"),
  ]);
  const dealNow = deal.data && "id" in deal.data ? deal.data : undefined;
  const zone = dealNow?.timeZone ?? who.organization.timezone;
  const today = dayIn(zone);
  const names = new Map((users.data?.items ?? []).map((user: User) => [user.id, user.fullName]));
  const holder = holderOf(parties.data?.items ?? [], names, (role) => partInWords(parts, role));
  const isDone = task.status === "COMPLETED" || task.status === "WAIVED";
  const isActive = dealNow?.status === "ACTIVE";
  const open = task.dependencies.filter((other) => !isOver(other.status));
  const owner = ownerOf(task, parties.data?.items ?? [], (role) => partInWords(parts, role));
  const assignee = task.assigneeId ? names.get(task.assigneeId) : undefined;
  const mayChase = (may(who, "assign_tasks") || may(who, "manage_tasks")) && isActive && !isDone;
  const mayChain = may(who, "manage_tasks") && isActive && !isDone;

  return (
    <>
      <div className="min-h-0 flex-1 overflow-y-auto px-6 pt-4 pb-5" tabIndex={-1}>
        <p className="flex min-h-8 items-center gap-2 pe-36 text-sm text-text-2">
          {dealNow ? (
            <Link href={`/deals/${task.dealId}`} className="clip hover:underline">
              {dealNow.name}
            </Link>
          ) : null}
        </p>
        <h2 className="mt-2 text-2xl leading-tight">{task.title}</h2>
        <dl className="task-facts">
          <dt>{t("status")}</dt>
          <dd>
            <TaskPill status={task.status} />
            {task.isBlocked && task.status !== "BLOCKED" ? <TaskPill status="BLOCKED" /> : null}
            {task.critical ? (
              <span className="pill bg-accent-soft text-accent-text">
                <Anchor size={13} aria-hidden="true" />
                {t("critical")}
              </span>
            ) : null}
            {task.completedLate ? <span className="text-text-2">{t("completedLate")}</span> : null}
          </dd>
          <dt>{isDone ? t("wasDue") : t("due")}</dt>
          <dd>
            <Due date={task.dueDate} today={today} projected={task.projected} isOpen={!isDone} />
            {task.pinned ? <span className="text-text-2">{t("pinned")}</span> : null}
          </dd>
          {task.completedOn ? (
            <>
              <dt>{t("completedOn")}</dt>
              <dd>
                {dayInWords(locale, task.completedOn)}
                {task.completedBy && names.get(task.completedBy) ? <span className="text-text-2">{t("by", { name: names.get(task.completedBy) ?? "" })}</span> : null}
              </dd>
            </>
          ) : null}
          <dt>{t("owner")}</dt>
          <dd>
            <span className="inline-flex min-w-0 items-center gap-2">
              {owner.isOutside ? <OutsideAvatar name={owner.text} size={20} /> : owner.text ? <Avatar name={owner.name} size={20} /> : <NobodyAvatar label={t("nobody")} size={20} />}
              <span>{owner.text || t("nobody")}</span>
            </span>
            {owner.part && owner.part !== owner.text ? <span className="text-text-2">{owner.part}</span> : null}
          </dd>
          <dt>{t("assignee")}</dt>
          <dd>
            {assignee ? <Avatar name={assignee} size={20} /> : <NobodyAvatar label={t("unassigned")} size={20} />}
            <span className={assignee ? "" : "text-text-2"}>{assignee ?? t("unassigned")}</span>
          </dd>
          {task.estDays ? (
            <>
              <dt>{t("estimate")}</dt>
              <dd>{t("days", { days: task.estDays })}</dd>
            </>
          ) : null}
          {task.chasedBy ? (
            <>
              <dt>{t("followedUp")}</dt>
              <dd>{holder({ ownerRole: task.chasedBy })}</dd>
            </>
          ) : null}
          {task.followUpOn && !isDone ? (
            <>
              <dt>{t("askAgain")}</dt>
              <dd>
                <Due date={task.followUpOn} today={today} />
              </dd>
            </>
          ) : null}
          {task.status === "WAIVED" && task.waiveReason ? (
            <>
              <dt>{t("waiveReason")}</dt>
              <dd>{task.waiveReason}</dd>
            </>
          ) : null}
          {task.note ? (
            <>
              <dt>{t("note")}</dt>
              <dd>{task.note}</dd>
            </>
          ) : null}
        </dl>
        {task.description ? <p className="mt-4 max-w-prose whitespace-pre-line text-text-2">{task.description}</p> : null}

        {why?.data?.isBlocked ? (
          <section className="why" aria-labelledby="why-blocked">
            <h3 id="why-blocked">
              <Lock size={15} aria-hidden="true" />
              {t("whyBlocked")}
            </h3>
            <p>
              {heldBy(t, locale, zone, why.data, holder)}
              {why.data.earliestUnblock ? <> {t("earliest", { date: dayInWords(locale, why.data.earliestUnblock) })}</> : null}
            </p>
          </section>
        ) : null}
        {why?.problem ? <Failed what={t("whyFailed")} problem={why.problem} /> : null}

        {task.dependencies.length || mayChain ? (
          <section className="mt-5" aria-labelledby="waits-for">
            <div className="flex min-h-8 items-center">
              <h3 className="card-title" id="waits-for">
                {t("waitsFor")} <span className="font-normal text-text-2">{t("openOf", { open: open.length, total: task.dependencies.length })}</span>
              </h3>
              {mayChain ? <AddDependency task={{ id: task.id, title: task.title, dealId: task.dealId }} taken={task.dependencies.flatMap((other) => other.id ?? [])} /> : null}
            </div>
            <Neighbours items={[...open, ...task.dependencies.filter((other) => isOver(other.status))]} holder={holder} hidden={t("hidden")} removableFrom={mayChain ? task.id : undefined} />
          </section>
        ) : null}
        {task.dependents.length ? (
          <section className="mt-5" aria-labelledby="unlocks">
            <h3 className="card-title" id="unlocks">
              {t("unlocks")} <span className="tnum font-normal text-text-2">{task.dependents.length}</span>
            </h3>
            <Neighbours items={task.dependents} holder={holder} hidden={t("hidden")} />
          </section>
        ) : null}

        {chases && (mayChase || chases.problem || chases.data.items.length) ? (
          <section className="mt-5" aria-labelledby="follow-ups">
            <div className="flex min-h-8 flex-wrap items-center gap-y-1">
              <h3 className="card-title" id="follow-ups">
                {t("followUps")} <span className="tnum font-normal text-text-2">{chases.data ? `${chases.data.items.length}${chases.data.nextCursor ? "+" : ""}` : ""}</span>
              </h3>
              {mayChase ? <FollowUpActions task={{ id: task.id, title: task.title, followUpOn: task.followUpOn ?? null }} today={today} /> : null}
            </div>
            {chases.problem ? <Failed what={t("followUpsFailed")} problem={chases.problem} /> : null}
            {chases.data?.items.length === 0 ? <p className="mt-1.5 text-sm text-text-2">{t("noFollowUps")}</p> : null}
            <Chases items={chases.data?.items ?? []} names={names} locale={locale} zone={zone} />
          </section>
        ) : null}

        <section className="mt-5" aria-labelledby="comments">
          <h3 className="card-title" id="comments">
            {t("comments")} <span className="tnum font-normal text-text-2">{comments.data?.items.length ?? ""}</span>
          </h3>
          {comments.problem ? <Failed what={t("commentsFailed")} problem={comments.problem} /> : null}
          {comments.data?.items.length === 0 ? <p className="mt-1.5 text-sm text-text-2">{t("noComments")}</p> : null}
          <ol>
            {(comments.data?.items ?? []).map((comment) => (
              <li key={comment.id} className="mt-3 grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-2.5 text-sm">
                <Avatar name={names.get(comment.authorId) ?? "?"} />
                <div>
                  <p className="flex flex-wrap items-center gap-x-2">
                    <b>{names.get(comment.authorId) ?? t("somebody")}</b>
                    {comment.createdAt ? (
                      <time className="text-text-2" dateTime={comment.createdAt}>
                        {instantInWords(locale, zone, comment.createdAt)}
                      </time>
                    ) : null}
                    <span className="pill bg-surface-3 text-text-2">
                      {comment.visibility === "SHARED" ? <UsersRound size={12} aria-hidden="true" /> : <Lock size={12} aria-hidden="true" />}
                      {comment.visibility === "SHARED" ? t("shared") : t("internal")}
                    </span>
                  </p>
                  <p className="mt-0.5 whitespace-pre-line">{comment.body}</p>
                </div>
              </li>
            ))}
          </ol>
        </section>
      </div>
      <footer className="grid gap-3 border-t border-line px-6 py-4">
        <CommentForm taskId={task.id} />
        <TaskActions
          task={{
            id: task.id,
            dealId: task.dealId,
            title: task.title,
            description: task.description ?? "",
            status: task.status,
            isBlocked: task.isBlocked,
            openCount: open.length,
            waitsFor: open[0]?.title,
            assigneeId: task.assigneeId ?? null,
            dueDate: task.dueDate ?? "",
            ownerRole: task.ownerRole ?? "",
            milestoneId: task.milestoneId ?? "",
            buyerVisible: task.buyerVisible,
            version: task.version,
            pinned: task.pinned,
          }}
          today={today}
          isActive={isActive}
          mayComplete={may(who, "manage_tasks") || task.assigneeId === who.user.id || (!task.assigneeId && may(who, "assign_tasks"))}
          mayManage={may(who, "manage_tasks")}
          people={may(who, "assign_tasks") || may(who, "manage_tasks") ? (users.data?.items ?? []).map((user: User) => ({ id: user.id, name: user.fullName })) : []}
          me={{ id: who.user.id, name: who.user.fullName }}
        />
      </footer>
    </>
  );
}

type Neighbour = TaskDetail["dependencies"][number];
type Holder = (item: { assigneeId?: string | null; ownerRole?: string | null }) => string;

type NeighboursProps = { items: Neighbour[]; holder: Holder; hidden: string; removableFrom?: string };

function Neighbours({ items, holder, hidden, removableFrom }: NeighboursProps) {
  return (
    <ul className="mt-1">
      {items.map((item, index) => (
        <li key={item.id ?? index} className="grid grid-cols-[1.125rem_minmax(0,1fr)_auto] gap-x-2.5 border-t border-line py-2 text-sm leading-snug first:border-0">
          <TaskGlyph status={item.status ?? "PENDING"} />
          <span className="min-w-0">
            {item.id ? (
              <Link href={`?task=${item.id}`} scroll={false} className="font-medium hover:underline">
                {item.title}
              </Link>
            ) : (
              <span className="text-text-2">{hidden}</span>
            )}
            <span className="block text-xs text-text-2">{holder(item)}</span>
          </span>
          {removableFrom && item.id ? <RemoveDependency taskId={removableFrom} other={{ id: item.id, title: item.title ?? hidden }} /> : null}
        </li>
      ))}
    </ul>
  );
}

type ChasesProps = { items: Chase[]; names: Map<string, string>; locale: string; zone: string };

/** Who asked, when, how and with what answer. */
async function Chases({ items, names, locale, zone }: ChasesProps) {
  const [t, task] = await Promise.all([getTranslations("followUp"), getTranslations("task")]);
  return (
    <ol>
      {items.map((chase) => {
        const name = names.get(chase.authorId);
        return (
          <li key={chase.id} className="mt-3 grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-2.5 text-sm">
            <Avatar name={name ?? "?"} />
            <div>
              <p className="flex flex-wrap items-center gap-x-2">
                <b>{name ?? task("somebody")}</b>
                {chase.createdAt ? (
                  <time className="text-text-2" dateTime={chase.createdAt}>
                    {instantInWords(locale, zone, chase.createdAt)}
                  </time>
                ) : null}
                <span className="text-text-2">
                  {[t(`channels.${channelOf(chase.channel)}`), chase.replied ? "" : t("noAnswer")].filter(Boolean).join(", ")}
                </span>
              </p>
              {chase.note ? <p className="mt-0.5 whitespace-pre-line">{chase.note}</p> : null}
              {chase.followUpOn ? <p className="mt-0.5 text-xs text-text-2">{t("againOn", { date: dayInWords(locale, chase.followUpOn) })}</p> : null}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** Who holds it up, with what, since when: a sentence for each of the first tasks that somebody could work on now. */
function heldBy(t: Words<"task">, locale: string, zone: string, why: WhyBlocked, holder: Holder): string {
  const shown = why.frontier.slice(0, HOLDUPS);
  const sentences = shown.map((task) =>
    t("held", {
      title: task.title ?? t("hidden"),
      holder: holder(task) || t("nobody"),
      since: task.since ? dayInWords(locale, dayIn(zone, new Date(task.since)), "plain") : "none",
      due: task.dueDate ? dayInWords(locale, task.dueDate, "plain") : "none",
    }),
  );
  const rest = why.frontier.length - shown.length;
  return [...sentences, ...(rest ? [t("heldMore", { count: rest })] : [])].join(" ");
}

const isOver = (status: string | null | undefined): boolean => status === "COMPLETED" || status === "WAIVED";

/** Who has a task: the assignee's name, else the party with its part, else the part. */
function holderOf(parties: Party[], names: Map<string, string>, partInWords: (role: string) => string): Holder {
  return ({ assigneeId, ownerRole }) => {
    const assignee = assigneeId ? names.get(assigneeId) : undefined;
    if (assignee) return assignee;
    if (!ownerRole) return "";
    const party = parties.find((other) => other.role === ownerRole);
    return party ? [party.name, party.company].filter(Boolean).join(", ") : partInWords(ownerRole);
  };
}

function ownerOf(task: TaskDetail, parties: Party[], partInWords: (role: string) => string): { text: string; name: string; part: string; isOutside: boolean } {
  if (!task.ownerRole) return { text: "", name: "", part: "", isOutside: false };
  const party = parties.find((other) => other.role === task.ownerRole);
  const part = partInWords(task.ownerRole);
  if (!party) return { text: part, name: part, part, isOutside: true };
  return { text: party.userId ? party.name : [party.name, party.company].filter(Boolean).join(", "), name: party.name, part, isOutside: !party.userId };
}
