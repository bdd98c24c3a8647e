"use client";

import { useSyncExternalStore } from "react";

const COOKIE = "keys";
const YEAR_SECONDS = 365 * 24 * 60 * 60;
const listeners = new Set<() => void>();

const areOn = (): boolean => !/(?:^|; )keys=off(?:;|$)/.test(document.cookie);

/** Whether shortcuts of a single letter act. Somebody who speaks to the device turns them off: WCAG 2.1.4. */
export function useKeys(): { areOn: boolean; turn: (on: boolean) => void } {
  const on = useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    areOn,
    () => true,
  );
  return {
    areOn: on,
    turn: (wanted) => {
      document.cookie = `${COOKIE}=${wanted ? "" : "off"}; path=/; max-age=${wanted ? 0 : YEAR_SECONDS}; samesite=lax`;
      for (const changed of listeners) changed();
    },
  };
}

/** Whether a key is meant for what has the focus, and not for a shortcut. */
export const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select"));

type Pressed = { key: string; metaKey: boolean; ctrlKey: boolean; altKey: boolean; shiftKey: boolean };
/** Ctrl A or ⌘ A: in a list, all of its group. */
export const isSelectAll = ({ key, metaKey, ctrlKey, altKey, shiftKey }: Pressed): boolean => (metaKey || ctrlKey) && !altKey && !shiftKey && key.toLowerCase() === "a";
