import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { Empty } from "@/components/ui/states";

/** Within the frame, so that the way on is beside it. */
export default async function NotFound() {
  const t = await getTranslations("errors");
  return (
    <>
      <h1 className="sr-only">{t("notFound")}</h1>
      <Empty
        title={t("notFound")}
        action={
          <Link className="btn btn-primary" href="/deals">
            {t("toStart")}
          </Link>
        }
      >
        {t("notFoundWhy")}
      </Empty>
    </>
  );
}
