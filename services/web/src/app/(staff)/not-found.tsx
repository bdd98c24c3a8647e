import { getTranslations } from "next-intl/server";
import Link from "next/link";

import { Empty } from "@/components/ui/states";

/** Within the frame, so that the way on is beside it. */
export default async function NotFound() {
  const [t, deals] = await Promise.all([getTranslations("errors"), getTranslations("deals")]);
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
      <form action="/deals" role="search" className="mx-auto flex w-full max-w-md gap-2 px-4">
        <label className="sr-only" htmlFor="find-deal">
          {deals("filter")}
        </label>
        <input id="find-deal" type="search" name="q" className="input" placeholder={deals("filter")} maxLength={200} />
        <button type="submit" className="btn">
          {t("find")}
        </button>
      </form>
    </>
  );
}
