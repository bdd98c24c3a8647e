import type { MetadataRoute } from "next";
import { getTranslations } from "next-intl/server";

/** What a phone needs to keep the application on its first screen. */
export default async function manifest(): Promise<MetadataRoute.Manifest> {
  const t = await getTranslations("app");
  return {
    name: "Haushavn",
    short_name: "Haushavn",
    description: t("description"),
    start_url: "/",
    display: "standalone",
    background_color: "#0c2837",
    theme_color: "#0c2837",
    icons: [{ src: "/icon.svg", sizes: "any", type: "image/svg+xml" }],
  };
}
