import { Suspense } from "react";

import type { Me } from "@/api/types";

import { DrawerFrame } from "./drawer-frame";
import { TaskPanel } from "./task-panel";

/** A task over the page that it was opened from. */
export function TaskDrawer({ id, who }: { id: string; who: Me }) {
  return (
    <DrawerFrame key={id} id={id}>
      <Suspense fallback={<PanelSkeleton />}>
        <TaskPanel id={id} who={who} />
      </Suspense>
    </DrawerFrame>
  );
}

function PanelSkeleton() {
  return (
    <div className="grid content-start gap-3 p-6" aria-hidden="true">
      <div className="skeleton h-7 w-80" />
      <div className="skeleton h-4 w-60" />
      <div className="skeleton h-4 w-52" />
      <div className="skeleton h-24 w-full" />
    </div>
  );
}
