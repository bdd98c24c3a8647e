import type { ReactNode } from "react";

import { LanguageSwitch } from "@/components/shell/language";
import { Words } from "@/components/shell/words";
import { Mark } from "@/components/ui/mark";

/** Identity pages: one column on paper, the mark above, nothing else. */
export default function PublicLayout({ children }: { children: ReactNode }) {
  return (
    <main className="identity">
      <div className="identity-box">
        <p className="mark">
          <span>
            <Mark size={28} />
          </span>
          Haushavn
        </p>
        <Words of={["identity"]}>{children}</Words>
        <p className="mt-8">
          <LanguageSwitch className="btn btn-quiet -ms-3" />
        </p>
      </div>
    </main>
  );
}
