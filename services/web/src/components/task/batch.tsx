"use client";

import { CircleAlert, CircleCheck, Lock } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type ReactNode, useRef, useState, useTransition } from "react";

import { api, attempt, newKey } from "@/api/browser";
import { type Problem, refusalOf } from "@/api/problem";
import { Dialog } from "@/components/ui/dialog";
import { useToast } from "@/components/ui/toasts";
import { inTurns } from "@/lib/in-turns";
import { sentence } from "@/lib/words";

import { AssignDialog } from "./assign-dialog";

export type BatchTask = { id: string; title: string; isBlocked: boolean; waitsFor?: string | null; assigneeId: string | null };
export type Person = { id: string; name: string };
type Result = { task: BatchTask; problem?: Problem };

/** The API takes tasks one by one: so many are asked for at a time. */
const AT_ONCE = 4;

type Options = {
  people: Person[];
  me: Person;
  mayReopen: boolean;
  /** Before the API answers: these show as done. */
  onStart?: (ids: string[]) => void;
  /** These are open again. */
  onOpen?: (ids: string[]) => void;
  onDone?: () => void;
};

type Batch = { complete: (tasks: BatchTask[]) => Promise<void>; assign: (tasks: BatchTask[]) => void; dialogs: ReactNode };

/** Completes and assigns one task or many. All done is a notice with its undo; else each task says what became of it. */
export function useBatch({ people, me, mayReopen, onStart, onOpen, onDone }: Options): Batch {
  const t = useTranslations("batch");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [, startTransition] = useTransition();
  const [assigning, setAssigning] = useState<BatchTask[]>();
  const [results, setResults] = useState<{ title: string; results: Result[] }>();
  const underway = useRef(new Set<string>());
  const refresh = () => startTransition(() => router.refresh());

  async function completeOne(task: BatchTask): Promise<Result & { unlocked: string[] }> {
    const outcome = await attempt(api.POST("/api/tasks/{id}/complete", { params: { path: { id: task.id }, header: { "Idempotency-Key": newKey() } }, body: {} }));
    return { task, problem: outcome.problem, unlocked: outcome.data?.unlocked ?? [] };
  }

  async function complete(tasks: BatchTask[]) {
    const asked = tasks.filter((task) => !underway.current.has(task.id));
    const ready = asked.filter((task) => !task.isBlocked);
    const blocked = asked.filter((task) => task.isBlocked);
    for (const task of ready) underway.current.add(task.id);
    onStart?.(ready.map((task) => task.id));
    const first = await inTurns(ready, AT_ONCE, completeOne);
    const unlocked = new Set(first.flatMap((result) => result.unlocked));
    // What the first ones unlocked is free now and was chosen as well.
    const second = await inTurns(
      blocked.filter((task) => unlocked.has(task.id)),
      1,
      completeOne,
    );
    for (const task of ready) underway.current.delete(task.id);
    const waiting = blocked.filter((task) => !unlocked.has(task.id)).map((task): Result => ({ task, problem: refusalOf("TASK_BLOCKED") }));
    const all: Result[] = [...first, ...second, ...waiting];
    const refused = all.filter((result) => result.problem);
    const done = all.filter((result) => !result.problem).map((result) => result.task);
    onOpen?.(refused.map((result) => result.task.id));
    const left = [...first, ...second].flatMap((result) => result.unlocked).filter((id) => !done.some((task) => task.id === id)).length;
    report(all, done.length ? t("completed", { count: done.length, unlocked: left }) : "", t("completedOf", { done: done.length, total: all.length }), mayReopen ? () => void undo(done) : undefined);
    onDone?.();
    refresh();
  }

  async function undo(tasks: BatchTask[]) {
    const outcomes = await inTurns(tasks, AT_ONCE, async (task): Promise<Result> => {
      const asked = api.POST("/api/tasks/{id}/reopen", { params: { path: { id: task.id }, header: { "Idempotency-Key": newKey() } }, body: { reason: t("undoReason"), cascade: tasks.length > 1 } });
      const { problem } = await attempt(asked);
      // With several, one may have been opened by another of them.
      return { task, problem: problem?.code === "TASK_NOT_DONE" ? undefined : problem };
    });
    onOpen?.(tasks.map((task) => task.id));
    report(outcomes, "", t("reopenedOf", { done: outcomes.filter((one) => !one.problem).length, total: outcomes.length }));
    refresh();
  }

  async function give(tasks: BatchTask[], to: (task: BatchTask) => string | null): Promise<Result[]> {
    return inTurns(tasks, AT_ONCE, async (task) => {
      const asked = api.POST("/api/tasks/{id}/assign", { params: { path: { id: task.id }, header: { "Idempotency-Key": newKey() } }, body: { assigneeId: to(task) } });
      return { task, problem: (await attempt(asked)).problem };
    });
  }

  async function assignTo(tasks: BatchTask[], person: Person | undefined) {
    setAssigning(undefined);
    const outcomes = await give(tasks, () => person?.id ?? null);
    const done = outcomes.filter((one) => !one.problem).map((one) => one.task);
    const says = person ? t("assigned", { count: done.length, name: person.name }) : t("assignedNobody", { count: done.length });
    report(outcomes, done.length ? says : "", t("assignedOf", { done: done.length, total: outcomes.length }), () => {
      void give(done, (task) => task.assigneeId).then((undone) => {
        report(undone, "", t("assignedOf", { done: undone.filter((one) => !one.problem).length, total: undone.length }));
        refresh();
      });
    });
    onDone?.();
    refresh();
  }

  function report(outcomes: Result[], says: string, title: string, back?: () => void) {
    const refused = outcomes.filter((one) => one.problem);
    const only = outcomes.length === 1 ? refused[0] : undefined;
    if (only?.problem) {
      show({ kind: "failed", text: only.task.isBlocked && only.task.waitsFor ? t("blockedBy", { title: only.task.waitsFor }) : sentence(words, only.problem) });
    } else if (refused.length) {
      setResults({ title, results: outcomes });
    } else if (says) {
      show({ text: says, action: back ? { label: t("undo"), run: back } : undefined });
    }
  }

  return {
    complete,
    assign: (tasks) => (people.length && tasks.length ? setAssigning(tasks) : undefined),
    dialogs: (
      <>
        {assigning ? <AssignDialog count={assigning.length} people={people} me={me} onClose={() => setAssigning(undefined)} onChoose={(person) => void assignTo(assigning, person)} /> : null}
        {results ? <Results {...results} onClose={() => setResults(undefined)} /> : null}
      </>
    ),
  };
}

/** What became of each task. */
function Results({ title, results, onClose }: { title: string; results: Result[]; onClose: () => void }) {
  const t = useTranslations("batch");
  const ui = useTranslations("ui");
  const words = useTranslations("problems");
  return (
    <Dialog title={title} onClose={onClose}>
      <ul className="grid overflow-y-auto px-5 py-2">
        {results.map(({ task, problem }) => (
          <li key={task.id} className="grid grid-cols-[1.125rem_minmax(0,1fr)] gap-x-2.5 border-t border-line py-2 text-sm leading-snug first:border-0">
            {problem === undefined ? (
              <CircleCheck size={17} className="t-COMPLETED" aria-hidden="true" />
            ) : problem.code === "TASK_BLOCKED" ? (
              <Lock size={16} className="t-BLOCKED" aria-hidden="true" />
            ) : (
              <CircleAlert size={17} className="t-OVERDUE" aria-hidden="true" />
            )}
            <span>
              <span className="font-medium">{task.title}</span>
              <span className="block text-text-2">
                {problem === undefined ? t("itDone") : problem.code === "TASK_BLOCKED" && task.waitsFor ? t("blockedBy", { title: task.waitsFor }) : sentence(words, problem)}
              </span>
            </span>
          </li>
        ))}
      </ul>
      <p className="flex justify-end border-t border-line px-5 py-3">
        <button type="button" className="btn btn-primary" data-first onClick={onClose}>
          {ui("close")}
        </button>
      </p>
    </Dialog>
  );
}
