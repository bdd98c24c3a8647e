"use client";

import Link from "next/link";
import type { ReactNode } from "react";

import { api, attempt, newKey } from "@/api/browser";

/** Opening what a notice is about marks it read. */
export function NoticeLink({ id, href, isRead, children }: { id: string; href: string; isRead: boolean; children: ReactNode }) {
  const read = () => {
    if (isRead) return;
    // The next page need not wait for it; a failure leaves the notice unread, which is what it is.
    void attempt(api.POST("/api/notifications/{id}/read", { params: { path: { id }, header: { "Idempotency-Key": newKey() } }, body: {} }));
  };
  return (
    <Link href={href} className="focus-inset block px-4 py-2.5 text-sm hover:bg-surface-2" onClick={read}>
      {children}
    </Link>
  );
}
