"use client";

import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useEffectEvent, useRef, useState } from "react";

/** A notice that goes by itself, with one act at most. */
export type Toast = { text: string; kind?: "done" | "failed"; action?: { label: string; run: () => void } };

const SHOWN_MS = 8_000;

const Toasts = createContext<(toast: Toast) => void>(() => undefined);

/** Shows a notice at the bottom of the page. */
export const useToast = () => useContext(Toasts);

export function ToastProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<(Toast & { id: number })[]>([]);
  const last = useRef(0);
  const show = useCallback((toast: Toast) => {
    last.current += 1;
    const id = last.current;
    setShown((present) => [...present.slice(-2), { ...toast, id }]);
  }, []);
  const hide = useCallback((id: number) => setShown((present) => present.filter((toast) => toast.id !== id)), []);
  return (
    <Toasts.Provider value={show}>
      {children}
      <div className="pointer-events-none fixed inset-x-3 bottom-20 z-(--z-toast) grid justify-center gap-2 md:bottom-6" role="status" aria-live="polite">
        {shown.map((toast) => (
          <ToastView key={toast.id} toast={toast} onGone={() => hide(toast.id)} />
        ))}
      </div>
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
    <div className="toast pointer-events-auto w-full max-w-xl" onMouseEnter={() => setHeld(true)} onMouseLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
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
