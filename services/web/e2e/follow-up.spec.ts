import { ask, day, expect, expectAccessible, openDeal, signUp, test } from "./support";

type Task = { id: string; key: string | null; title: string };
type Plan = { milestones: { tasks: Task[] }[] };
/** What comes first in a purchase: then others have something to do. */
const FIRST = ["verify_executed_contract", "confirm_effective_date", "enter_key_dates", "send_intro_package"];

test("what others are to do is followed up: from the list, in the drawer, with a day to ask again", async ({ page }) => {
  test.setTimeout(240_000);
  await signUp(page, "Ruth Calder");
  await page.goto("/work");
  const deal = await openDeal(page, "8 Harbor Row");
  const plan = await ask<Plan>(page, "GET", `/deals/${deal}/plan`);
  const tasks = plan.milestones.flatMap((milestone) => milestone.tasks);
  for (const key of FIRST) await ask(page, "POST", `/tasks/${tasks.find((task) => task.key === key)?.id}/complete`, {});
  const drawer = page.getByRole("dialog", { name: "Task" });
  const dialog = page.getByRole("dialog", { name: "Follow up" });
  const notice = (text: string) => page.getByRole("status").filter({ hasText: text });
  await page.goto("/work?tab=waiting");
  const rows = page.getByRole("grid", { name: "My tasks" }).locator("[data-row]");
  const row = rows.last();
  const title = (await row.getByRole("link").first().textContent()) ?? "";

  await test.step("a letter records a call, and the row says so", async () => {
    await rows.first().focus();
    await page.keyboard.press("f");
    await expect(dialog).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
    await row.getByRole("button", { name: `Follow up ${title}` }).click();
    await expectAccessible(page);
    await dialog.getByLabel("What was said").fill("Left a message with her assistant.");
    await dialog.getByLabel("Ask again on").fill(day(-1));
    await dialog.getByRole("button", { name: "Record" }).click();
    await expect(dialog.getByText("Choose a day after today")).toBeVisible();
    await expect(dialog.getByLabel("What was said")).toHaveValue("Left a message with her assistant.");
    await dialog.getByLabel("Ask again on").fill(day(1));
    await dialog.getByRole("button", { name: "Record" }).click();
    await expect(notice("Recorded.")).toBeVisible();
    // By the day of the follow-up it is among the first now.
    const now = rows.filter({ hasText: title });
    await expect(now).toContainText(/asked .*, phone, no answer/);
    await expect(now).toContainText("tomorrow");
    await expectAccessible(page);
  });

  await test.step("the drawer has the log and the day, and a change of the day can be taken back", async () => {
    await rows.filter({ hasText: title }).getByRole("link", { name: title }).click();
    await expect(drawer.getByText("Left a message with her assistant.")).toBeVisible();
    await drawer.getByRole("button", { name: "Follow up" }).click();
    await dialog.getByLabel("How did you ask?").selectOption({ label: "E-mail" });
    await dialog.getByLabel("They answered").check();
    await dialog.getByRole("button", { name: "Record" }).click();
    await expect(drawer.getByRole("heading", { name: "Follow-ups 2" })).toBeVisible();
    await drawer.getByRole("button", { name: "Set a day…" }).click();
    const again = page.getByRole("dialog", { name: "When to ask again" });
    await again.getByLabel("Ask again on").fill(day(3));
    await again.getByRole("button", { name: "Save" }).click();
    await expect(drawer.getByRole("definition").filter({ hasText: "in 3 days" }).last()).toBeVisible();
    await expectAccessible(page);
    await drawer.getByRole("button", { name: "Set a day…" }).click();
    await again.getByLabel("Ask again on").fill(day(4));
    await again.getByRole("button", { name: "Save" }).click();
    await expect(drawer.getByRole("definition").filter({ hasText: "in 4 days" }).last()).toBeVisible();
    await notice("You will be reminded.").getByRole("button", { name: "Undo" }).last().click();
    await expect(drawer.getByRole("definition").filter({ hasText: "in 3 days" }).last()).toBeVisible();
  });

  await test.step("the activity says so, and Spanish has its words", async () => {
    await page.goto(`/deals/${deal}/activity`);
    await expect(page.getByText(`followed up "${title}" by phone, without an answer: Left a message with her assistant.`)).toBeVisible();
    await page.context().addCookies([{ name: "locale", value: "es", url: new URL("/", page.url()).href }]);
    await page.goto("/work?tab=waiting");
    await expect(page.locator("[data-row]").filter({ hasText: "se preguntó el" })).toHaveCount(1);
    await expectAccessible(page);
  });
});
