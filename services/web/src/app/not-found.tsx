import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { Mark } from "@/components/ui/mark";

/** What may not be seen looks like what is not there. */
export default async function NotFound() {
  const t = await getTranslations("errors");
  return (
    <main className="identity">
      <div className="identity-box">
        <p className="mark">
          <span>
            <Mark />
          </span>
          Haushavn
        </p>
        <h1>{t("notFound")}</h1>
        <p className="identity-lead">{t("notFoundWhy")}</p>
        <p className="mt-6">
          <Link className="btn btn-primary btn-lg" href="/">
            {t("toStart")}
          </Link>
        </p>
      </div>
    </main>
  );
}
