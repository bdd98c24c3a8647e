"use client";

import { Broken, type BrokenProps } from "@/components/ui/broken";

/** Any page that could not be made. */
export default function ErrorPage(props: BrokenProps) {
  return (
    <main className="identity">
      <div className="identity-box">
        <Broken {...props} />
      </div>
    </main>
  );
}
