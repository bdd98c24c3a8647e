import type { NextConfig } from "next";
import createNextIntlPlugin from "next-intl/plugin";

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  reactStrictMode: true,
  devIndicators: false,
  // `npm run types` checks them, once.
  typescript: { ignoreBuildErrors: true },
};

export default createNextIntlPlugin("./src/i18n.ts")(config);
