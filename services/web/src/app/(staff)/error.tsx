"use client";

import { Broken, type BrokenProps } from "@/components/ui/broken";

/** Within the frame, so that the way on is beside it. */
export default function ErrorPage(props: BrokenProps) {
  return (
    <div className="identity min-h-0!">
      <div className="identity-box">
        <Broken {...props} />
      </div>
    </div>
  );
}
