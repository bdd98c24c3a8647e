import { ask, expect, expectAccessible, PASSWORD, signUp, test } from "./support";

test("settings are changed and kept: name, theme, notices, organization, holidays, sessions and password", async ({ page, browser }) => {
  test.setTimeout(180_000);
  const email = await signUp(page, "Ruth Calder");
  const saved = page.getByRole("status").filter({ hasText: "Saved." });
  await page.goto("/work");
  await page.getByRole("link", { name: "Settings" }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();

  await test.step("profile and theme", async () => {
    await page.getByLabel("Name").fill("Ruth B. Calder");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(saved).toBeVisible();
    await expect(page.getByRole("button", { name: "Ruth B. Calder" })).toBeVisible();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Dark", exact: true }).click();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    await page.reload();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    await expect(page.getByRole("button", { name: "Dark", exact: true })).toHaveAttribute("aria-pressed", "true");
    await page.getByRole("button", { name: "Device" }).click();
    await expect(page.locator("html")).not.toHaveAttribute("data-theme", /./);
    await page.getByRole("button", { name: "Dark", exact: true }).click();
    await expect.poll(async () => (await ask<{ theme: string }>(page, "GET", "/auth/me")).theme).toBe("dark");
  });

  await test.step("a kind of notice comes no longer by mail", async () => {
    await page.getByRole("link", { name: "Notifications", exact: true }).last().click();
    await page.getByRole("checkbox", { name: "A task is due soon: By mail" }).uncheck();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Save" }).click();
    await expect(saved).toBeVisible();
    const { preferences } = await ask<{ preferences: { kind: string; inApp: boolean; email: boolean }[] }>(page, "GET", "/notifications/preferences");
    expect(preferences.find(({ kind }) => kind === "TASK_DUE_SOON")).toMatchObject({ inApp: true, email: false });
  });

  await test.step("the organization's name and zone", async () => {
    await page.getByRole("link", { name: "Organization", exact: true }).click();
    await page.getByLabel("Name").fill("");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
    await page.getByLabel("Name").fill("Tidewater Realty Group");
    await page.getByLabel("Time zone").selectOption("America/Chicago");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(saved).toBeVisible();
    await expectAccessible(page);
    expect(await ask<object>(page, "GET", "/organization")).toMatchObject({ name: "Tidewater Realty Group", timezone: "America/Chicago" });
  });

  await test.step("a holiday of the organization in three fields", async () => {
    await page.getByRole("link", { name: "Holidays" }).click();
    await expect(page.getByText("No holidays of your own")).toBeVisible();
    await page.getByRole("button", { name: "Add a holiday" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a holiday" });
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await expect(dialog.getByRole("alert").or(dialog.locator("[aria-invalid=true]")).first()).toBeVisible();
    await dialog.getByLabel("Name").fill("County fair");
    await dialog.getByLabel("Day", { exact: true }).fill("2026-08-14");
    await dialog.getByLabel("It comes back every year").check();
    await dialog.getByLabel("To year").fill("2030");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await expect(page.getByRole("row", { name: /County fair/ })).toContainText("every year until 2030");
    await expectAccessible(page);
    await page.getByRole("button", { name: "Remove County fair" }).click();
    await page.getByRole("dialog", { name: "Remove County fair?" }).getByRole("button", { name: "Remove" }).click();
    await expect(page.getByText("No holidays of your own")).toBeVisible();
  });

  await test.step("a session of another browser is listed, and ended from here", async () => {
    const other = await browser.newContext();
    const elsewhere = await other.newPage();
    await elsewhere.goto("/login");
    await elsewhere.getByLabel("E-mail").fill(email);
    await elsewhere.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await elsewhere.getByRole("button", { name: "Sign in" }).click();
    await expect(elsewhere.getByRole("heading", { name: "My work" })).toBeVisible();
    // The theme that was chosen in the first browser is here, and what is chosen here is there.
    await expect(elsewhere.locator("html")).toHaveAttribute("data-theme", "dark");
    await elsewhere.goto("/settings/profile");
    await elsewhere.getByRole("button", { name: "Light", exact: true }).click();
    await expect.poll(async () => (await ask<{ theme: string }>(page, "GET", "/auth/me")).theme).toBe("light");
    await expect(async () => {
      await page.reload();
      await expect(page.locator("html")).toHaveAttribute("data-theme", "light", { timeout: 1_000 });
    }).toPass();
    await page.getByRole("link", { name: "Security" }).click();
    const sessions = page.getByRole("region", { name: "Where you are signed in" }).getByRole("listitem");
    await expect(sessions).toHaveCount(2);
    await expect(sessions.first()).toContainText("This one");
    await expectAccessible(page);
    await sessions.last().getByRole("button", { name: /^End: Chrome/ }).click();
    await expect(page.getByRole("status").filter({ hasText: "The session has ended." })).toBeVisible();
    await expect(sessions).toHaveCount(1);
    await elsewhere.reload();
    await expect(elsewhere.getByRole("button", { name: "Sign in" })).toBeVisible();
    await other.close();
  });

  await test.step("a new password signs out, and is the one that counts", async () => {
    await page.getByRole("link", { name: "Security" }).click();
    await page.getByLabel("Present password").fill("not the password at all");
    await page.getByLabel("New password").fill(`${PASSWORD}, again`);
    await page.getByRole("button", { name: "Change the password" }).click();
    await expect(page.getByLabel("Present password")).toHaveAttribute("aria-invalid", "true");
    await expectAccessible(page);
    await page.getByLabel("Present password").fill(PASSWORD);
    await page.getByRole("button", { name: "Change the password" }).click();
    await expect(page).toHaveURL(/\/login\?done=reset$/);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(`${PASSWORD}, again`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "My work" })).toBeVisible();
  });
});
