import "server-only";

import { cache } from "react";

import { api, attempt, must } from "@/api/server";
import type { Deal, KeyDate, Party } from "@/api/types";

const PAGE = 100;

/** Parts of a deal that several parts of its page ask for: each is fetched once a request. */
export const loadDeal = cache(async (id: string): Promise<Deal> => (await must((await api()).GET("/api/deals/{id}", { params: { path: { id } } }))) as Deal);
export const loadSummary = cache(async (id: string) => attempt((await api()).GET("/api/deals/{id}/summary", { params: { path: { id } } })));
export const loadKeyDates = cache(async (id: string) => attempt((await api()).GET("/api/deals/{id}/key-dates", { params: { path: { id } } })));
export const loadPlan = cache(async (id: string) => attempt((await api()).GET("/api/deals/{id}/plan", { params: { path: { id } } })));
export const loadParties = cache(async (id: string) => attempt((await api()).GET("/api/deals/{id}/parties", { params: { path: { id }, query: { limit: PAGE } } })));
export const loadPeople = cache(async () => attempt((await api()).GET("/api/users", { params: { query: { limit: PAGE } } })));
/** Slack and the critical path of the dates as they are. Writes nothing. */
export const loadSlack = cache(async (id: string) => attempt((await api()).POST("/api/deals/{id}/what-if", { params: { path: { id } }, body: { keyDates: {} } })));

/** What a date is called where there is little room, in both languages of the shipped templates. */
export const shortTitle = (date: Pick<KeyDate, "title">): string => {
  const short = date.title.replace(/^(Fecha (límite )?(para |de la |del |de )|Vencen? (el |la |los |las )?)/, "").replace(/^contingencia de /, "").replace(/\s*\([^)]*\)/g, "").replace(/\s*\/.*$/, "").replace(/\s+(deadline|due|date|by)$/i, "").replace(/\s+contingency$/i, "");
  return short.charAt(0).toUpperCase() + short.slice(1);
};

export type Holder = { text: string; isUser: boolean; party?: Party };

/** Who has a task: its assignee, else the party with its owner's part. */
export function holderOf(task: { assigneeId?: string | null; ownerRole?: string | null }, names: Map<string, string>, parties: Party[]): Holder | undefined {
  const name = task.assigneeId ? names.get(task.assigneeId) : undefined;
  const party = parties.find((other) => (task.assigneeId ? other.userId === task.assigneeId : other.role === task.ownerRole));
  if (name) return { text: name, isUser: true, party };
  return party ? { text: party.company ?? party.name, isUser: false, party } : undefined;
}
