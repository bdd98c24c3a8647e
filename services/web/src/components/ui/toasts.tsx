"use client";

import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useEffectEvent, useRef, useState } from "react";
import { createPortal } from "react-dom";

/** A notice that goes by itself, with one act at most. */
export type Toast = { text: string; kind?: "done" | "failed"; action?: { label: string; run: () => void } };

const SHOWN_MS = 8_000;

const Toasts = createContext<(toast: Toast) => void>(() => undefined);

/** Shows a notice at the bottom of the page. */
export const useToast = () => useContext(Toasts);

/** Where notices show. What is outside of a modal dialog cannot be reached, so each dialog has a place of its own. */
export function ToastHost() {
  return <div className="toast-host" role="status" aria-live="polite" data-toast-host />;
}

const hostNow = (): Element | null => [...document.querySelectorAll("dialog[open] [data-toast-host]")].at(-1) ?? document.querySelector("[data-toast-host]");

export function ToastProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<(Toast & { id: number })[]>([]);
  const last = useRef(0);
  const show = useCallback((toast: Toast) => {
    last.current += 1;
    const id = last.current;
    setShown((present) => [...present.slice(-2), { ...toast, id }]);
  }, []);
  const hide = useCallback((id: number) => setShown((present) => present.filter((toast) => toast.id !== id)), []);
  const [host, setHost] = useState<Element | null>(null);
  const isShowing = shown.length > 0;
  // A notice outlives the dialog in which it began.
  useEffect(() => {
    if (!isShowing) return;
    const find = () => setHost(hostNow());
    find();
    const watcher = new MutationObserver(find);
    watcher.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["open"] });
    return () => watcher.disconnect();
  }, [isShowing]);
  return (
    <Toasts.Provider value={show}>
      {children}
      <ToastHost />
      {host
        ? createPortal(
            shown.map((toast) => <ToastView key={toast.id} toast={toast} onGone={() => hide(toast.id)} />),
            host,
          )
        : null}
    </Toasts.Provider>
  );
}

function ToastView({ toast, onGone }: { toast: Toast; onGone: () => void }) {
  const t = useTranslations("ui");
  const gone = useEffectEvent(onGone);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(() => gone(), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isHeld]);
  return (
    <div className="toast" onMouseEnter={() => setHeld(true)} onMouseLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      {toast.kind === "failed" ? <CircleAlert size={18} aria-hidden="true" /> : <CircleCheck size={18} aria-hidden="true" />}
      <span className="min-w-0 flex-1">{toast.text}</span>
      {toast.action ? (
        <button
          type="button"
          onClick={() => {
            toast.action?.run();
            onGone();
          }}
        >
          {toast.action.label}
        </button>
      ) : null}
      <button type="button" aria-label={t("dismiss")} onClick={onGone}>
        <X size={16} aria-hidden="true" />
      </button>
    </div>
  );
}
