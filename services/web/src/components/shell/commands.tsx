"use client";

import dynamic from "next/dynamic";
import { usePathname, useRouter } from "next/navigation";
import { createContext, type ReactNode, useContext, useEffect, useEffectEvent, useRef, useState } from "react";

import { isTyping, useKeys } from "@/lib/keys";

/** Of use on first need alone: neither is part of a page's first script. */
const Palette = dynamic(() => import("./palette").then((module) => module.Palette), { ssr: false });
const ShortcutHelp = dynamic(() => import("./shortcut-help").then((module) => module.ShortcutHelp), { ssr: false });

export type Reader = { isAdmin: boolean; mayCreate: boolean };
type Open = "palette" | "help";

const Commands = createContext<{ open: (what: Open) => void }>({ open: () => undefined });
/** Opens the command palette or the list of shortcuts. */
export const useCommands = () => useContext(Commands);

/** After `g`, for so long the next letter is where to go. */
const GO_MS = 1_500;
const PLACES: Record<string, string> = { w: "/work", d: "/deals", n: "/notifications", t: "/templates", p: "/team" };
/** Letters that press a button or follow a link of the page, wherever it has one. */
const ACTS: Record<string, string> = { m: "move-date", t: "add-task", b: "as-buyer", v: "other-view" };

/** What a page offers under a name, if it is there to be seen. */
export const actOf = (name: string): HTMLElement | undefined => [...document.querySelectorAll<HTMLElement>(`main [data-act="${name}"]`)].find((one) => one.checkVisibility());

/** The shortcuts that hold on every page of the staff. */
export function CommandsProvider({ reader, children }: { reader: Reader; children: ReactNode }) {
  const [shown, setShown] = useState<Open>();
  const router = useRouter();
  const path = usePathname();
  const keys = useKeys();
  const goUntil = useRef(0);

  function byLetter(key: string): (() => void) | undefined {
    const isGoing = Date.now() < goUntil.current;
    goUntil.current = 0;
    if (isGoing) {
      const place = PLACES[key];
      return place ? () => router.push(place) : undefined;
    }
    if (key === "g") {
      return () => {
        goUntil.current = Date.now() + GO_MS;
      };
    }
    if (key === "?") return () => setShown("help");
    if (key === "/") return () => (actOf("filter") ? actOf("filter")?.focus() : setShown("palette"));
    const tab = /^\/deals\/[0-9a-f-]{36}/.test(path) && /^[1-9]$/.test(key) ? document.querySelectorAll<HTMLElement>("main [data-act=deal-tab]")[Number(key) - 1] : undefined;
    const found = tab ?? (ACTS[key] ? actOf(ACTS[key]) : undefined);
    return found ? () => found.click() : undefined;
  }

  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    if ((event.metaKey || event.ctrlKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      setShown((present) => (present === "palette" ? undefined : "palette"));
      return;
    }
    const isPlain = !event.metaKey && !event.ctrlKey && !event.altKey && !event.defaultPrevented;
    if (!isPlain || !keys.areOn || isTyping(event.target) || document.querySelector("dialog[open], [role=menu]")) return;
    const act = byLetter(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  });

  useEffect(() => {
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);

  return (
    <Commands value={{ open: setShown }}>
      {children}
      {shown === "palette" ? <Palette reader={reader} onClose={() => setShown(undefined)} onHelp={() => setShown("help")} /> : null}
      {shown === "help" ? <ShortcutHelp onClose={() => setShown(undefined)} /> : null}
    </Commands>
  );
}
