import "server-only";

import { api, attempt, must } from "@/api/server";
import type { Me, Task, User } from "@/api/types";
import { may } from "@/lib/access";
import { daysBetween } from "@/lib/days";

/** A task as the list shows it. */
export type WorkItem = {
  id: string;
  title: string;
  status: string;
  isBlocked: boolean;
  isCritical: boolean;
  isProjected: boolean;
  dueDate: string | null;
  dealId: string;
  dealName: string;
  assigneeId: string | null;
  assigneeName: string | null;
  ownerRole: string | null;
  /** The first task it waits for, where it is blocked and near. */
  waitsFor: string | null;
};

export type GroupKey = "overdue" | "today" | "week" | "later" | "waiting";
export type WorkGroup = { key: GroupKey; items: WorkItem[]; isCut: boolean };
export type Work = { groups: WorkGroup[]; dealCount: number; people: { id: string; name: string }[] };

const PAGE = 100;
/** For so many blocked tasks the list says what they wait for. */
const EXPLAINED = 20;
const WEEK_DAYS = 7;

/** The part that a role's user presses for. */
const CHASING: Record<string, string[]> = {
  TRANSACTION_COORDINATOR: ["transaction_coordinator"],
  BUYER_AGENT: ["buyer_agent", "listing_agent"],
  ADMIN: ["transaction_coordinator", "broker"],
};

/** Everything on the list: the reader's own open tasks by urgency, and those of others that the reader follows up. */
export async function loadWork(who: Me, today: string): Promise<Work> {
  const client = await api();
  const [own, deals, people, pending, late] = await Promise.all([
    must(client.GET("/api/tasks", { params: { query: { limit: PAGE } } })),
    must(client.GET("/api/deals", { params: { query: { limit: PAGE, status: "ACTIVE,ON_HOLD", sort: "closingDate" } } })),
    must(client.GET("/api/users", { params: { query: { limit: PAGE } } })),
    must(client.GET("/api/tasks", { params: { query: { limit: PAGE, status: "PENDING" } } })),
    must(client.GET("/api/tasks", { params: { query: { limit: PAGE, status: "OVERDUE" } } })),
  ]);
  const dealNames = new Map(deals.items.map((deal) => [deal.id, deal.name]));
  const names = new Map(people.items.map((user: User) => [user.id, user.fullName]));
  const chasing = CHASING[who.user.role] ?? [];
  const mine = own.items.filter((task) => dealNames.has(task.dealId));
  const waiting = [...late.items, ...pending.items].filter(
    (task) => task.assigneeId !== who.user.id && !task.isBlocked && dealNames.has(task.dealId) && task.chasedBy && chasing.includes(task.chasedBy),
  );
  const reasons = await whatTheyWaitFor(mine.filter((task) => task.isBlocked).slice(0, EXPLAINED));

  const item = (task: Task): WorkItem => ({
    id: task.id,
    title: task.title,
    status: task.status,
    isBlocked: task.isBlocked,
    isCritical: task.critical,
    isProjected: task.projected,
    dueDate: task.dueDate ?? null,
    dealId: task.dealId,
    dealName: dealNames.get(task.dealId) ?? "",
    assigneeId: task.assigneeId ?? null,
    assigneeName: task.assigneeId ? (names.get(task.assigneeId) ?? null) : null,
    ownerRole: task.ownerRole ?? null,
    waitsFor: reasons.get(task.id) ?? null,
  });
  const groups: WorkGroup[] = (["overdue", "today", "week", "later"] as const).map((key) => ({
    key,
    items: mine.filter((task) => bucket(task, today) === key).map(item),
    isCut: key === "later" && own.nextCursor != null,
  }));
  groups.push({ key: "waiting", items: waiting.map(item), isCut: pending.nextCursor != null || late.nextCursor != null });
  return {
    groups,
    dealCount: deals.items.length,
    people: may(who, "assign_tasks") || may(who, "manage_tasks") ? people.items.map((user: User) => ({ id: user.id, name: user.fullName })) : [],
  };
}

export function bucket(task: Pick<Task, "isOverdue" | "dueDate">, today: string): Exclude<GroupKey, "waiting"> {
  if (task.isOverdue) return "overdue";
  if (!task.dueDate) return "later";
  const days = daysBetween(today, task.dueDate);
  if (days < 0) return "overdue";
  if (days === 0) return "today";
  return days <= WEEK_DAYS ? "week" : "later";
}

async function whatTheyWaitFor(tasks: Task[]): Promise<Map<string, string>> {
  const client = await api();
  const answers = await Promise.all(
    tasks.map(async (task) => {
      const { data } = await attempt(client.GET("/api/tasks/{id}/why-blocked", { params: { path: { id: task.id } } }));
      return [task.id, data?.blockedBy[0]?.title] as const;
    }),
  );
  return new Map(answers.filter((answer): answer is readonly [string, string] => answer[1] != null));
}
