import next from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";

const config = [
  { ignores: [".next/**", "next-env.d.ts", "src/api/schema.d.ts", "test-results/**"] },
  ...next,
  ...typescript,
  {
    rules: {
      "no-console": "error",
      // After a sign-in or sign-out the whole page is loaded: nothing of the other session stays in memory.
      "@next/next/no-location-assign-relative-destination": "off",
      "react/no-danger": "error",
      // The words of a page are in messages/.
      "react/jsx-no-literals": ["error", { noStrings: false, ignoreProps: true, allowedStrings: ["Haushavn", "·", "…", "+", "→", "%", "/", "(", ")", ":", "–", "@"] }],
    },
  },
  { files: ["checks/**"], rules: { "no-console": "off" } },
];
export default config;
