import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { type Browser, type BrowserContext, expect, type Page, test as base } from "@playwright/test";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const PASSWORD = "a harbour in the evening";

/** What a page said that it should not have: errors of scripts and of the console. */
export const test = base.extend<{ quiet: string[] }>({
  quiet: [
    async ({ context }, use) => {
      const said: string[] = [];
      listen(context, said);
      await use(said);
      expect(said, "the console").toEqual([]);
    },
    { auto: true },
  ],
});
export { expect };

/** Answers that a test provokes are no error of the page. */
const REFUSALS = /status of (4\d\d|503)/;

export function listen(context: BrowserContext, said: string[]): void {
  context.on("console", (message) => {
    if (message.type() === "error" && !REFUSALS.test(message.text())) said.push(message.text());
  });
  context.on("weberror", (error) => said.push(String(error.error())));
}

/** No violation of axe in the page as it is, in both themes. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axeSource);
  for (const theme of ["light", "dark"]) {
    const found = await page.evaluate(async (chosen) => {
      document.documentElement.dataset.theme = chosen;
      const { axe } = window as unknown as { axe: { run: (root: Document, options: object) => Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }> } };
      // Only colours differ between the themes.
      const { violations } = await axe.run(document, chosen === "dark" ? { runOnly: ["color-contrast"] } : {});
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    }, theme);
    expect(found, `${new URL(page.url()).pathname}, ${theme}`).toEqual([]);
  }
  await page.evaluate(() => delete document.documentElement.dataset.theme);
}

let counter = 0;
/** An address that no other test uses. */
export function address(who: string): string {
  counter += 1;
  return `${who}-${Date.now().toString(36)}-${process.pid}-${counter}@e2e.example`;
}

/** The link in the newest mail to somebody that leads to a page. */
export async function linkInMail(to: string, page: string): Promise<string> {
  let link: string | undefined;
  await expect
    .poll(
      async () => {
        const answer = await fetch(`${process.env.HAUSHAVN_MAIL_URL}/api/email`);
        const mails = (await answer.json()) as { to: { address: string }[]; text: string }[];
        const texts = mails.filter((mail) => mail.to.some((other) => other.address === to)).map((mail) => mail.text);
        link = texts.map((text) => new RegExp(`https?://\\S+/${page}/\\S+`).exec(text)?.[0]).findLast((found) => found !== undefined);
        return link;
      },
      { timeout: 30_000, message: `a mail to ${to} with a link to /${page}` },
    )
    .toBeDefined();
  return link ?? "";
}

/** Signs an organization up by its form, and confirms its address by the mail. */
export async function signUp(page: Page, name: string): Promise<string> {
  const email = address("admin");
  await page.goto("/signup");
  await page.getByLabel("Organization").fill(`Tidewater ${Date.now()}`);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("heading", { name: "My work" })).toBeVisible();
  await page.goto(await linkInMail(email, "verify"));
  await page.getByRole("button", { name: "Confirm the address" }).click();
  await expect(page.getByRole("heading", { name: "Your address is confirmed" })).toBeVisible();
  return email;
}

/** Asks the gateway as the page does, with the session of the page. */
export async function ask<Answer>(page: Page, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await page.evaluate(
    async (request) => {
      const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
      const got = await fetch(`/gateway/api${request.path}`, {
        method: request.method,
        headers: { "content-type": "application/json", "x-csrf-token": token },
        body: request.body === undefined ? undefined : JSON.stringify(request.body),
      });
      return { status: got.status, body: got.status === 204 ? undefined : await got.json() };
    },
    { method, path, body },
  );
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(400);
  return answer.body as Answer;
}

/** A day so many days from today, as a date field takes it, in the organization's zone. */
export function day(offset: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York" }).format(new Date(Date.now() + offset * 86_400_000));
}

/** Opens a purchase as somebody who may, and waits for its plan. */
export async function openDeal(page: Page, street: string): Promise<string> {
  const deal = await ask<{ id: string }>(page, "POST", "/deals", {
    propertyAddress: { street, city: "Columbus", stateOrProvince: "OH", postalCode: "43214" },
    dealType: "PURCHASE",
    templateKey: "us_residential_purchase_buyer",
    facts: { financing_type: "conventional" },
    keyDates: { effective_date: day(0), closing_date: day(45) },
    parties: [{ role: "buyer", name: "Maya Ortega" }],
  });
  await expect.poll(async () => (await ask<{ planState: string }>(page, "GET", `/deals/${deal.id}/plan`)).planState, { timeout: 30_000 }).toBe("APPLIED");
  return deal.id;
}

/** Accepts an invitation in a browser of its own. */
export async function accept(browser: Browser, said: string[], email: string, name: string): Promise<Page> {
  const context = await browser.newContext();
  listen(context, said);
  const page = await context.newPage();
  await page.goto(await linkInMail(email, "invitation"));
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Join" }).click();
  return page;
}
