import "./globals.css";

import type { Metadata, Viewport } from "next";
import { getLocale, getTranslations } from "next-intl/server";
import localFont from "next/font/local";
import { cookies } from "next/headers";
import type { ReactNode } from "react";

import { Words } from "@/components/shell/words";

const inter = localFont({
  src: "../../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
  weight: "100 900",
  variable: "--font-inter",
  display: "swap",
  adjustFontFallback: "Arial",
});

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("app");
  return { title: { default: "Haushavn", template: "%s · Haushavn" }, description: t("description"), robots: { index: false } };
}

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#0c2837" },
    { media: "(prefers-color-scheme: dark)", color: "#07141d" },
  ],
};

/** The frame of every page: language, theme, font and words. */
export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = (await cookies()).get("theme")?.value;
  return (
    <html lang={await getLocale()} data-theme={theme === "light" || theme === "dark" ? theme : undefined} className={inter.variable}>
      <body>
        <Words of={[]}>{children}</Words>
      </body>
    </html>
  );
}
