import { expect, expectAccessible, openDeal, signUp, test } from "./support";

test("everything is a few keys away: the palette, places, shortcuts, and the list of them", async ({ page }) => {
  test.setTimeout(180_000);
  await signUp(page, "Ruth Calder");
  await page.goto("/work");
  const deal = await openDeal(page, "31 Larch Court");
  const palette = page.getByRole("dialog", { name: "Search or jump to" });

  await test.step("an address is enough", async () => {
    await page.keyboard.press("Control+k");
    await expect(palette.getByRole("combobox")).toBeFocused();
    await expect(palette.getByRole("option", { name: /31 Larch Court/ })).toBeVisible();
    await expectAccessible(page);
    await page.keyboard.type("larc");
    await expect(palette.getByRole("option").first()).toContainText("31 Larch Court");
    await expect(palette.getByRole("status")).toHaveText("1 result");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`/deals/${deal}$`));
    await expect(palette).toBeHidden();
  });

  await test.step("the palette does what the page offers, and finds a task of the deal", async () => {
    await expect(page.getByRole("button", { name: "Move a date" })).toBeVisible();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("move a");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog", { name: "Move: Closing date" })).toBeVisible();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("clear to close");
    await expect(palette.getByRole("option").first()).toHaveAttribute("aria-selected", "true");
    await palette.getByRole("option", { name: /Lender issues clear to close/ }).click();
    await expect(page.getByRole("dialog", { name: "Task" }).getByRole("heading", { name: "Lender issues clear to close" })).toBeVisible();
    await page.keyboard.press("ArrowDown");
    await expect(page.getByRole("dialog", { name: "Task" }).getByRole("heading", { name: /^Open and acknowledge/ })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog", { name: "Task" })).toBeHidden();
  });

  await test.step("a task is found from anywhere, and so are people", async () => {
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    await expect(page).toHaveURL(/\/work$/);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("issues clear");
    await expect(palette.getByRole("option", { name: /Lender issues clear to close/ })).toContainText("31 Larch Court");
    await palette.getByRole("combobox").fill("ruth cal");
    await expect(palette.getByRole("option").first()).toContainText("Ruth Calder");
    await expectAccessible(page);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/team$/);
    await page.goBack();
    await page.goBack();
    await expect(page).toHaveURL(new RegExp(`/deals/${deal}`));
    await expect(page.getByRole("button", { name: "Move a date" })).toBeVisible();
  });

  await test.step("letters lead to places and parts, and not while somebody types", async () => {
    await page.keyboard.press("2");
    await expect(page).toHaveURL(/key-dates$/);
    await page.keyboard.press("g");
    await page.keyboard.press("d");
    await expect(page).toHaveURL(/\/deals$/);
    await expect(page.getByRole("heading", { level: 1, name: "Deals" })).toBeVisible();
    await page.keyboard.press("/");
    await expect(page.getByLabel("Address or name")).toBeFocused();
    await page.keyboard.type("g n?");
    await expect(page.getByLabel("Address or name")).toHaveValue("g n?");
    await expect(page).toHaveURL(/\/deals$/);
  });

  await test.step("the list of shortcuts turns the letters off", async () => {
    await page.getByRole("heading", { level: 1 }).click();
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await expect(help).toBeVisible();
    await expectAccessible(page);
    await help.getByRole("switch", { name: "Shortcuts of a single letter or sign act" }).uncheck();
    await page.keyboard.press("Escape");
    await expect(help).toBeHidden();
    await page.keyboard.press("?");
    await page.keyboard.press("Control+k");
    await expect(palette).toBeVisible();
    await expect(help).toBeHidden();
    await page.keyboard.press("Escape");
  });

  await test.step("the first tab stop leads past the navigation", async () => {
    await page.goto("/deals");
    await page.keyboard.press("Tab");
    await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("main")).toBeFocused();
  });

  await test.step("without a network the page says since when it is as it was", async () => {
    const go = (isOnline: boolean) =>
      page.evaluate((online) => {
        Object.defineProperty(navigator, "onLine", { value: online, configurable: true });
        window.dispatchEvent(new Event(online ? "online" : "offline"));
      }, isOnline);
    await go(false);
    await expect(page.getByText(/^Offline, as of \d+:\d\d/)).toBeVisible();
    await expectAccessible(page);
    await go(true);
    await expect(page.getByText(/^Offline/)).toBeHidden();
  });
});
