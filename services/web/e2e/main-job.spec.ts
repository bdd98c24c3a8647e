import type { Browser, Page } from "@playwright/test";

import { accept, address, ask, day, expect, expectAccessible, signUp, test } from "./support";

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

test("a deal is opened, worked on and moved, by four people in browsers of their own", async ({ page: admin, browser, quiet }) => {
  test.setTimeout(600_000);
  await signUp(admin, "Ruth Calder");
  const coordinator = await invite(admin, browser, quiet, "Dana Whitfield", "Transaction coordinator");
  await expect(coordinator.getByRole("heading", { name: "My work" })).toBeVisible();
  const buyer = await invite(admin, browser, quiet, "Maya Ortega", "Buyer");
  await expect(buyer.getByRole("heading", { name: "No home yet" })).toBeVisible();
  const agent = await invite(admin, browser, quiet, "Priya Raman", "Agent");
  await expectAccessible(admin);
  // She has accepted meanwhile.
  await admin.reload();
  await admin.getByRole("button", { name: "Role… Priya Raman" }).click();
  const role = admin.getByRole("dialog", { name: "Role of Priya Raman" });
  await role.getByLabel("Role").selectOption({ label: "Administrator" });
  await role.getByRole("button", { name: "Change the role" }).click();
  await expect(role).toBeHidden();
  await expect(admin.getByRole("row", { name: /Priya Raman/ })).toContainText("Administrator");
  await admin.getByRole("button", { name: "Role… Priya Raman" }).click();
  await role.getByLabel("Role").selectOption({ label: "Agent" });
  await role.getByRole("button", { name: "Change the role" }).click();
  await expect(role).toBeHidden();
  await expect(admin.getByRole("row", { name: /Priya Raman/ })).toContainText("Agent");

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

  await test.step("the buyer follows the timeline, which says nothing confidential", async () => {
    await buyer.setViewportSize({ width: 390, height: 844 });
    await buyer.goto("/");
    await expect(buyer).toHaveURL(new RegExp(`/timeline/${deal}$`));
    await expect(buyer.getByRole("heading", { level: 1 })).toContainText("on track");
    await expectAccessible(buyer);
    expect(await buyer.content()).not.toMatch(/525,?000|conventional|Initials on page 4/);
  });

  await test.step("on paper the timeline has two pages at most, and the plan no navigation", async () => {
    const paper = await buyer.pdf({ format: "Letter" });
    expect(paper.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length).toBeLessThanOrEqual(2);
    await coordinator.goto(`/deals/${deal}`);
    await coordinator.emulateMedia({ media: "print" });
    await expect(coordinator.getByRole("navigation", { name: "Main" }).first()).toBeHidden();
    await expect(coordinator.getByRole("button", { name: "Move a date" })).toBeHidden();
    await expect(coordinator.getByText("Confirm the deed is recorded", { exact: false }).first()).toBeVisible();
    await coordinator.emulateMedia({ media: "screen" });
  });

  await test.step("the buyer reads it in Spanish, the steps of the template too", async () => {
    await buyer.getByRole("button", { name: "Español" }).click();
    await expect(buyer.getByRole("heading", { level: 1 })).toContainText(/^Todo va bien\. El cierre está previsto para el /);
    await expect(buyer.getByRole("list").filter({ hasText: "Oferta aceptada" })).toBeVisible();
    await expect(buyer.getByText("Firmar los documentos de cierre")).toBeVisible();
    await expectAccessible(buyer);
    expect(await buyer.locator("main").innerText()).not.toMatch(/\b(the|your|closing documents)\b/i);
  });
});
