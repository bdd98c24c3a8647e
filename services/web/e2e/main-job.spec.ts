import { type Browser, type Page } from "@playwright/test";

import { accept, address, ask, expect, expectAccessible, signUp, test } from "./support";

/** A day so many days from today, as a date field takes it, in the organization's zone. */
function day(offset: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York" }).format(new Date(Date.now() + offset * 86_400_000));
}

async function invite(admin: Page, browser: Browser, said: string[], name: string, role: string): Promise<Page> {
  const email = address(role.toLowerCase().replaceAll(" ", "-"));
  await admin.goto("/team");
  await admin.getByRole("button", { name: "Invite somebody" }).click();
  const dialog = admin.getByRole("dialog", { name: "Invite somebody" });
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Role").selectOption({ label: role });
  await dialog.getByRole("button", { name: "Send the invitation" }).click();
  await expect(admin.getByRole("row", { name: new RegExp(name) })).toContainText("Invited");
  return accept(browser, said, email, name);
}

/** Completes whatever can be completed until nothing is open. The clicks are tried above; this is the rest of the plan. */
async function completeEverything(page: Page, deal: string): Promise<void> {
  for (;;) {
    const tasks = await ask<{ milestones: { tasks: { id: string; status: string; dependsOn: string[] }[] }[] }>(page, "GET", `/deals/${deal}/plan`);
    const all = tasks.milestones.flatMap((milestone) => milestone.tasks);
    const done = new Set(all.filter((task) => ["COMPLETED", "WAIVED"].includes(task.status)).map((task) => task.id));
    const ready = all.filter((task) => !done.has(task.id) && task.dependsOn.every((other) => done.has(other)));
    if (ready.length === 0) return;
    for (const task of ready) await ask(page, "POST", `/tasks/${task.id}/complete`, {});
  }
}

test("the main job, by three people in three browsers", async ({ page: admin, browser, quiet }) => {
  test.setTimeout(600_000);
  await signUp(admin, "Ruth Calder");
  const coordinator = await invite(admin, browser, quiet, "Dana Whitfield", "Transaction coordinator");
  await expect(coordinator.getByRole("heading", { name: "My work" })).toBeVisible();
  const buyer = await invite(admin, browser, quiet, "Maya Ortega", "Buyer");
  await expect(buyer.getByRole("heading", { name: "No home yet" })).toBeVisible();
  const agent = await invite(admin, browser, quiet, "Priya Raman", "Agent");
  await expectAccessible(admin);

  await test.step("the agent opens a file", async () => {
    await agent.getByRole("link", { name: "Deals", exact: true }).first().click();
    await expect(agent.getByText("No deals yet")).toBeVisible();
    await agent.getByRole("link", { name: "New deal" }).first().click();
    await agent.getByRole("button", { name: "Next" }).click();
    await expect(agent.getByLabel("Street and number")).toBeFocused();
    await expect(agent.getByText("Fill this in.").first()).toBeVisible();
    await agent.getByLabel("Street and number").fill("1418 Larkspur Lane");
    await agent.getByLabel("City").fill("Columbus");
    await agent.getByLabel("State").fill("OH");
    await agent.getByLabel("ZIP code").fill("43214");
    await agent.getByLabel("Price").fill("525,000");
    await agent.getByRole("button", { name: "Next" }).click();
    await agent.getByLabel("Effective (acceptance) date").fill(day(0));
    await agent.getByLabel("Closing date").fill(day(45));
    await agent.getByRole("button", { name: "Next" }).click();
    await agent.getByLabel("Login").first().selectOption({ label: "Maya Ortega" });
    await expectAccessible(agent);
    await agent.getByRole("button", { name: "Next" }).click();
    const steps = agent.getByRole("list", { name: "Steps" });
    await expect(steps).toContainText(/\d+ tasks/);
    const before = await steps.innerText();
    await agent.getByRole("switch", { name: "HOA or condo" }).check();
    await expect(steps).not.toHaveText(before);
    await expectAccessible(agent);
    await agent.getByRole("button", { name: "Launch deal" }).dblclick();
    await expect(agent.getByRole("heading", { level: 1, name: "1418 Larkspur Lane" })).toBeVisible();
    expect((await ask<{ items: unknown[] }>(agent, "GET", "/deals")).items).toHaveLength(1);
  });
  const deal = /deals\/([0-9a-f-]+)/.exec(agent.url())?.[1] ?? "";

  await test.step("the plan is there, and says who holds it up", async () => {
    await expect
      .poll(async () => (await ask<{ planState: string }>(agent, "GET", `/deals/${deal}/plan`)).planState, { timeout: 30_000 })
      .toBe("APPLIED");
    await coordinator.goto(`/deals/${deal}`);
    await expect(coordinator.getByRole("heading", { name: "File opened" })).toBeVisible();
    await expect(coordinator.getByRole("region", { name: "What holds this deal up" })).toContainText("Dana Whitfield");
    await expectAccessible(coordinator);
  });

  await test.step("the coordinator completes a task, which unlocks the next, and cannot complete a blocked one", async () => {
    await coordinator.getByRole("link", { name: /^Enter the key dates/ }).first().click();
    const drawer = coordinator.getByRole("dialog", { name: "Task" });
    await expect(drawer.getByRole("heading", { name: "Why is this blocked?" })).toBeVisible();
    await expect(drawer.getByRole("button", { name: "Complete" })).toHaveAttribute("aria-disabled", "true");
    await expect(drawer).toContainText("Blocked by one task");
    await expectAccessible(coordinator);
    await coordinator.keyboard.press("Escape");
    await expect(drawer).toBeHidden();
    await coordinator.getByRole("link", { name: /^Check the executed contract/ }).first().click();
    await expect(drawer.getByRole("heading", { name: /^Check the executed contract/ })).toBeVisible();
    await drawer.getByLabel("Write a comment").fill("Initials on page 4 are there.");
    await drawer.getByRole("button", { name: "Comment", exact: true }).click();
    await expect(drawer.getByText("Initials on page 4 are there.")).toBeVisible();
    await drawer.getByRole("button", { name: "Complete" }).click();
    await expect(drawer.getByText("Completed", { exact: true }).first()).toBeVisible();
    await expect(drawer.getByRole("button", { name: "Reopen…" })).toBeVisible();
    await coordinator.keyboard.press("Escape");
  });

  await test.step("my work, by keyboard alone", async () => {
    await agent.goto("/work");
    const row = agent.getByRole("row", { name: /Confirm the effective date/ });
    await expect(row).toBeVisible();
    await agent.getByRole("row").and(agent.locator('[tabindex="0"]')).focus();
    for (let step = 0; step < 30 && !(await row.evaluate((element) => element === document.activeElement)); step += 1) await agent.keyboard.press("j");
    await agent.keyboard.press("e");
    await expect(agent.getByRole("status").filter({ hasText: "Completed." })).toBeVisible();
    await expect(row).toBeHidden();
  });

  await test.step("the closing date moves: what was previewed is what is applied", async () => {
    await coordinator.reload();
    await coordinator.getByRole("button", { name: "Move a date" }).click();
    const dialog = coordinator.getByRole("dialog", { name: "Move: Closing date" });
    await dialog.getByLabel("New date").fill(day(52));
    const apply = dialog.getByRole("button", { name: /^Apply \d+ changes/ });
    await expect(apply).toHaveAttribute("aria-disabled", "true");
    await expect(dialog).toContainText("Say why");
    await expectAccessible(coordinator);
    const previewed = await dialog.getByRole("row").filter({ hasText: "Final walkthrough" }).first().locator("td").nth(1).innerText();
    await dialog.getByLabel("Reason").fill("The lender asked for another week");
    const read = dialog.getByRole("checkbox");
    if (await read.count()) await read.check();
    await apply.click();
    await expect(coordinator.getByRole("status").filter({ hasText: "changes applied" })).toBeVisible();
    await coordinator.getByRole("link", { name: /^Key dates/ }).click();
    await expect(coordinator.getByRole("row", { name: /Final walkthrough/ }).first()).toContainText(previewed);
    await coordinator.getByRole("row", { name: /Earnest money due/ }).getByRole("link", { name: "Explain" }).click();
    await expect(coordinator.getByText(/3 days count/)).toBeVisible();
    await expectAccessible(coordinator);
  });

  await test.step("somebody else moved it meanwhile: a new preview, and nothing typed is lost", async () => {
    await coordinator.getByRole("button", { name: "Move a date" }).click();
    const dialog = coordinator.getByRole("dialog", { name: "Move: Closing date" });
    await dialog.getByLabel("New date").fill(day(54));
    await dialog.getByLabel("Reason").fill("The seller asked for two days");
    await expect(dialog.getByRole("button", { name: /^Apply \d+ changes/ })).toBeVisible();
    const dates = await ask<{ version: number }>(agent, "GET", `/deals/${deal}/key-dates`);
    await ask(agent, "PUT", `/deals/${deal}/key-dates`, { keyDates: { closing_date: day(53) }, reason: "The notary", version: dates.version });
    const read = dialog.getByRole("checkbox");
    if (await read.count()) await read.check();
    await dialog.getByRole("button", { name: /^Apply \d+ changes/ }).click();
    await expect(dialog).toContainText("Somebody else moved dates meanwhile");
    await expect(dialog.getByLabel("Reason")).toHaveValue("The seller asked for two days");
    coordinator.once("dialog", (asked) => void asked.accept());
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  await test.step("the buyer follows the timeline and does the next step in two taps", async () => {
    await buyer.setViewportSize({ width: 390, height: 844 });
    await buyer.goto("/");
    await expect(buyer).toHaveURL(new RegExp(`/timeline/${deal}$`));
    await expect(buyer.getByRole("heading", { level: 1 })).toContainText("on track");
    await expectAccessible(buyer);
    expect(await buyer.content()).not.toMatch(/525,?000|conventional|Initials on page 4/);
    await buyer.goto(`/deals/${deal}`);
    await expect(buyer).toHaveURL(new RegExp(`/timeline/${deal}$`));
    const wire = (await ask<{ items: { id: string; title: string; isBlocked: boolean }[] }>(buyer, "GET", "/tasks")).items.find((task) => !task.isBlocked);
    if (wire) {
      await buyer.reload();
      await buyer.getByRole("button", { name: /^I’ve done this/ }).click();
      await buyer.getByRole("button", { name: "Yes, it’s done" }).click();
      await expect(buyer.getByText("Thank you. That’s done.")).toBeVisible();
    }
  });

  await test.step("all is done: the deal closes, and the audit tells it", async () => {
    await completeEverything(coordinator, deal);
    await coordinator.goto(`/deals/${deal}`);
    await coordinator.getByRole("button", { name: "More about this deal" }).click();
    await coordinator.getByRole("menuitem", { name: "Close…" }).click();
    await coordinator.getByRole("dialog", { name: "Close the deal" }).getByRole("button", { name: "Close the deal" }).click();
    await expect(coordinator.getByText("Closed", { exact: true }).first()).toBeVisible();
    await coordinator.goto(`/deals/${deal}/activity`);
    await expectAccessible(coordinator);
    await admin.goto("/audit?type=deals.deal.closed");
    await expect(admin.getByText("Dana Whitfield").first()).toBeVisible();
    await expectAccessible(admin);
    await admin.goto("/notifications");
    await expectAccessible(admin);
    await admin.goto("/templates");
    await admin.getByRole("link", { name: /purchase/i }).first().click();
    await expect(admin.getByRole("heading", { name: "File opened" })).toBeVisible();
    await expectAccessible(admin);
    await admin.goto("/deals?view=table&status=CLOSED");
    await expect(admin.getByRole("row", { name: /1418 Larkspur Lane/ })).toBeVisible();
    await expectAccessible(admin);
  });

  await test.step("what one may not see is not there", async () => {
    await agent.goto("/audit");
    await expect(agent.getByText("Nothing here").first()).toBeVisible();
    await agent.goto("/deals/00000000-0000-7000-8000-000000000000");
    await expect(agent.getByText("Nothing here").first()).toBeVisible();
    await coordinator.goto("/deals/new");
    await expect(coordinator.getByText("You cannot open deals")).toBeVisible();
  });
});
