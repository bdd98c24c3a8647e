import { ask, expect, expectAccessible, signUp, test } from "./support";

type Templates = { items: { id: string; key: string; status: string; name: string; shipped: boolean }[] };

test("a template becomes the organization's own: copied, mended where it is wrong, and published", async ({ page }) => {
  test.setTimeout(180_000);
  await signUp(page, "Ruth Calder");
  await page.goto("/templates");
  await page.getByRole("link", { name: "US refinance" }).click();
  await expect(page.getByRole("heading", { name: "Underwriting" })).toBeVisible();
  await expectAccessible(page);

  await test.step("a copy under its own key begins as a draft", async () => {
    await page.getByRole("button", { name: "Copy as another template…" }).click();
    const dialog = page.getByRole("dialog", { name: "Copy as another template…" });
    await dialog.getByLabel("Name").fill("Tidewater refinance");
    await dialog.getByLabel("Key").fill("tidewater_refinance");
    await dialog.getByRole("button", { name: "Make the copy" }).click();
    await expect(page).toHaveURL(/\/edit$/);
    await expect(page.getByText("No problem found.")).toBeVisible();
    await expectAccessible(page);
  });

  const editor = page.getByRole("textbox", { name: "Source" });
  const publish = page.getByRole("button", { name: "Publish…" });

  await test.step("a mistake shows at its line, and keeps the draft from being published", async () => {
    await editor.click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("\nnonsense: 1");
    await expect(page.getByText("The source is being checked.").or(page.getByText("One problem is left."))).toBeVisible();
    await expect(publish).toHaveAttribute("aria-disabled", "true");
    const mistake = page.getByRole("button", { name: /^Line \d+: .*nonsense/ });
    await expect(mistake).toBeVisible();
    const line = Number(/\d+/.exec(await mistake.innerText())?.[0]);
    await page.keyboard.press("Control+Home");
    await mistake.click();
    await expect(editor).toBeFocused();
    await expect(page.locator(".cm-activeLine")).toHaveText("nonsense: 1");
    await expect(page.locator(".cm-activeLineGutter", { hasText: String(line) })).toBeVisible();
    await expectAccessible(page);
    await page.keyboard.press("End");
    await page.keyboard.press("Shift+Home");
    await page.keyboard.type("# our own plan");
    await expect(page.getByText("No problem found.")).toBeVisible();
    await expect(page.getByText("Save the draft first.")).toBeVisible();
  });

  await test.step("Tab leaves the editor; saved and published, deals are made from it", async () => {
    await page.keyboard.press("Tab");
    await expect(editor).not.toBeFocused();
    await editor.focus();
    await page.keyboard.press("Control+s");
    await expect(page.getByText("Ready to publish.")).toBeVisible();
    await expect(editor).toBeFocused();
    await publish.click();
    await page.getByRole("dialog", { name: "Publish this version?" }).getByRole("button", { name: "Publish" }).click();
    await expect(page).toHaveURL(/\/templates\/[0-9a-f-]+$/);
    await expect(page.getByText("in use")).toBeVisible();
    const { items } = await ask<Templates>(page, "GET", "/templates");
    const own = items.find((template) => template.key === "tidewater_refinance");
    expect(own).toMatchObject({ name: "Tidewater refinance", status: "PUBLISHED", shipped: false });
    expect((await ask<{ source: string }>(page, "GET", `/templates/${own?.id}`)).source).toContain("# our own plan");
    await page.goto("/deals/new");
    await page.getByLabel("Street and number").fill("2 Bay Road");
    await page.getByLabel("City").fill("Columbus");
    await page.getByLabel("State").fill("OH");
    await page.getByLabel("ZIP code").fill("43214");
    await page.getByRole("button", { name: "Next" }).click();
    await expect(page.getByRole("radio", { name: /Tidewater refinance/ })).toBeVisible();
  });

  await test.step("the next version of a published one is a draft again", async () => {
    await page.goto("/templates");
    await page.getByRole("link", { name: "Tidewater refinance" }).click();
    await page.getByRole("button", { name: "New version…" }).click();
    await page.getByRole("dialog", { name: "New version…" }).getByRole("button", { name: "Make a draft" }).click();
    await expect(page).toHaveURL(/\/edit$/);
    await page.goto("/templates");
    await expect(page.getByRole("link", { name: "Tidewater refinance" })).toHaveCount(2);
  });
});
