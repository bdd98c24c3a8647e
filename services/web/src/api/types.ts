import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Deal = Schemas["Deal"];
export type DealSummary = Schemas["DealSummary"];
export type Party = Schemas["Party"];
/** A part in a deal, as bodies take it. */
export type Part = Schemas["PartyFields"]["role"];
export type Plan = Schemas["Plan"];
export type PlanMilestone = Schemas["PlanMilestone"];
export type PlanTask = Schemas["PlanTask"];
export type Task = Schemas["Task"];
export type TaskDetail = Schemas["TaskWithDependencies"];
export type WhyBlocked = Schemas["WhyBlocked"];
export type Comment = Schemas["Comment"];
export type Chase = Schemas["Chase"];
export type KeyDate = Schemas["KeyDate"];
export type KeyDates = Schemas["KeyDates"];
export type KeyDatesPreview = Schemas["KeyDatesPreview"];
export type DateChange = Schemas["DateChange"];
export type DateExplanation = Schemas["DateExplanation"];
export type Violation = Schemas["Violation"];
export type ActivityItem = Schemas["ActivityItem"];
export type BuyerTimeline = Schemas["BuyerTimeline"];
export type Template = Schemas["Template"];
export type TemplateSummary = Schemas["TemplateSummary"];
export type DealDryRun = Schemas["DealDryRun"];
export type CreateDealBody = Schemas["CreateDealBody"];
export type Notification = Schemas["NotificationView"];
export type AuditItem = Schemas["AuditItem"];
export type User = Schemas["AnyUserView"];
export type Workflow = Schemas["WorkflowAnswer"];
export type WhatIf = Schemas["WhatIf"];
export type SearchResults = Schemas["SearchResults"];
export type MyTask = Schemas["MyTask"];
