import { address, expect, expectAccessible, linkInMail, listen, PASSWORD, signUp, test } from "./support";

test("somebody signs up, confirms the address by mail, signs out and in again, and forgets the password", async ({ page, context }) => {
  const email = await signUp(page, "Ruth Calder");
  await page.getByRole("link", { name: "Go on" }).click();
  await expect(page).toHaveURL(/\/work$/);
  await expectAccessible(page);

  const session = (await context.cookies()).find((cookie) => cookie.name.endsWith("haushavn"));
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie + document.documentElement.innerHTML)).not.toMatch(/eyJ/);

  await page.getByRole("button", { name: "Ruth Calder" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login$/);
  await page.goto("/deals?view=table");
  await expect(page).toHaveURL(/\/login\?next=%2Fdeals%3Fview%3Dtable$/);

  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.locator("form [role=alert]")).toHaveText("E-mail and password do not belong together.");
  await expect(page.getByLabel("E-mail")).toHaveValue(email);

  await page.getByRole("link", { name: "I forgot my password" }).click();
  await expect(page.getByRole("heading", { name: "Forgot your password?" })).toBeVisible();
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("heading", { name: "Look into your mail" })).toBeVisible();
  await page.goto(await linkInMail(email, "reset"));
  await expectAccessible(page);
  await page.getByLabel("Password", { exact: true }).fill(`${PASSWORD}, late`);
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page).toHaveURL(/\/login\?done=reset$/);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(`${PASSWORD}, late`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "My work" })).toBeVisible();
});

test("a form keeps what was typed, says what is wrong at the field, and moves the focus there", async ({ page }) => {
  await page.goto("/signup");
  await expectAccessible(page);
  await page.getByLabel("Organization").fill("Tidewater");
  await page.getByLabel("E-mail").fill(address("x"));
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Sign up" }).click();
  const name = page.getByLabel("Your name");
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expect(name).toBeFocused();
  await expect(page.getByText("This is too short.")).toBeVisible();
  await expect(page.getByLabel("Organization")).toHaveValue("Tidewater");
  await expectAccessible(page);
});

test("links of mails that do not work any more say what to do", async ({ page }) => {
  for (const [path, button, says] of [
    ["/invitation/nonsense", "Join", "Ask the person who invited you"],
    ["/reset/nonsense", "Set the password", "Ask for another"],
    ["/verify/nonsense", "Confirm the address", "does not work any more"],
  ] as const) {
    await page.goto(path);
    // The token is in the address, which no other site may learn.
    await expect(page.locator('meta[name="referrer"]')).toHaveAttribute("content", "no-referrer");
    const fields = page.getByRole("textbox");
    for (let index = 0; index < (await fields.count()); index += 1) await fields.nth(index).fill(PASSWORD);
    await page.getByRole("button", { name: button }).click();
    await expect(page.locator("form [role=alert]")).toContainText(says);
  }
});

test("another site cannot act with the session, and neither can a page without its token", async ({ page, request }) => {
  await signUp(page, "Ruth Calder");
  await page.goto("/work");
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const send = (headers: Record<string, string>) => request.post("/gateway/api/notifications/read-all", { headers: { cookie, ...headers }, data: {} });
  const token = (await page.locator('meta[name="csrf-token"]').getAttribute("content")) ?? "";
  expect((await send({ "sec-fetch-site": "cross-site", "x-csrf-token": token })).status()).toBe(403);
  expect((await send({ "sec-fetch-site": "same-origin" })).status()).toBe(403);
  expect((await send({ "sec-fetch-site": "same-origin", "x-csrf-token": token })).status()).toBe(200);
  expect((await request.get("/gateway/api/auth/me")).status()).toBe(401);
});

test("the pages speak the browser's language, and the one that somebody chooses", async ({ browser, quiet }) => {
  const context = await browser.newContext({ locale: "es-MX" });
  listen(context, quiet);
  const page = await context.newPage();
  await page.goto("/login");
  await expect(page.getByRole("heading", { name: "Iniciar sesión" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "es-US");
  await expectAccessible(page);
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await signUp(page, "Ruth Calder");
  await page.goto("/work");
  await page.getByRole("button", { name: "Ruth Calder" }).click();
  await page.getByRole("menuitem", { name: "Español" }).click();
  await expect(page.getByRole("heading", { name: "Mi trabajo" })).toBeVisible();
  await page.goto("/templates");
  await expect(page.getByRole("link", { name: "Compra residencial en EE. UU. - lado comprador" })).toBeVisible();
  await expectAccessible(page);
  await context.close();
});
