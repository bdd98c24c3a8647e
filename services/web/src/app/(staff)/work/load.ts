import "server-only";

import { api, must } from "@/api/server";
import type { Me, MyTask, User } from "@/api/types";
import { may } from "@/lib/access";
import { type Channel, channelOf } from "@/lib/channels";
import { dayIn } from "@/lib/days";

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
  milestoneTitle: string | null;
  assigneeId: string | null;
  assigneeName: string | null;
  ownerRole: string | null;
  /** Who plays the part that owns it. */
  ownerName: string | null;
  /** The first task it waits for. */
  waitsFor: string | null;
  /** Who is to do that one. */
  waitsForWhom: string | null;
  /** When to ask for it again. */
  followUpOn: string | null;
  /** When somebody last asked, and how. */
  lastChase: { day: string; channel: Channel; replied: boolean; note: string | null } | null;
};

export const GROUPS = ["overdue", "today", "week", "later", "waiting"] as const;
export type GroupKey = (typeof GROUPS)[number];
export type WorkGroup = { key: GroupKey; count: number; items: WorkItem[] };
export type Work = { today: string; groups: WorkGroup[]; dealCount: number; people: { id: string; name: string }[] };

const PAGE = 100;

/** Everything on the list: the reader's own open tasks by urgency, and those of others that the reader follows up. */
export async function loadWork(who: Me, text: string): Promise<Work> {
  const client = await api();
  const mayAssign = may(who, "assign_tasks") || may(who, "manage_tasks");
  const [work, people] = await Promise.all([
    must(client.GET("/api/tasks/mine", { params: { query: { limit: PAGE, ...(text ? { q: text } : {}) } } })),
    mayAssign ? must(client.GET("/api/users", { params: { query: { limit: PAGE } } })) : undefined,
  ]);
  const groups = GROUPS.map((key) => {
    const bucket = work.buckets.find((one) => one.key === key);
    return { key, count: bucket?.count ?? 0, items: (bucket?.items ?? []).map((task) => item(task, who.organization.timezone)) };
  });
  return {
    today: work.today,
    groups,
    dealCount: new Set(groups.flatMap((group) => group.items.map((task) => task.dealId))).size,
    people: (people?.items ?? []).map((user: User) => ({ id: user.id, name: user.fullName })),
  };
}

function item(task: MyTask, zone: string): WorkItem {
  const [first] = task.blockedBy;
  const last = task.lastChase;
  return {
    id: task.id,
    title: task.title,
    status: task.status,
    isBlocked: task.isBlocked,
    isCritical: task.critical,
    isProjected: task.projected,
    dueDate: task.dueDate ?? null,
    dealId: task.dealId,
    dealName: task.dealName,
    milestoneTitle: task.milestoneTitle ?? null,
    assigneeId: task.assigneeId ?? null,
    assigneeName: task.assigneeName ?? null,
    ownerRole: task.ownerRole ?? null,
    ownerName: task.ownerName ?? null,
    waitsFor: task.isBlocked ? (first?.title ?? null) : null,
    waitsForWhom: first?.holder ?? null,
    followUpOn: task.followUpOn ?? null,
    lastChase: last?.createdAt ? { day: dayIn(zone, new Date(last.createdAt)), channel: channelOf(last.channel), replied: last.replied, note: last.note ?? null } : null,
  };
}
