import { ask, day, expect, expectAccessible, openDeal, signUp, test } from "./support";

type Task = { id: string; title: string; status: string; dueDate: string | null; version: number; dependsOn: string[] };
type Plan = { milestones: { tasks: Task[] }[]; otherTasks: Task[] };

test("tasks are added, edited, chained, completed and reopened, one by one and many at once", async ({ page }) => {
  test.setTimeout(240_000);
  await signUp(page, "Ruth Calder");
  await page.goto("/work");
  const deal = await openDeal(page, "8 Harbor Row");
  const tasks = async () => {
    const plan = await ask<Plan>(page, "GET", `/deals/${deal}/plan`);
    return [...plan.milestones.flatMap((milestone) => milestone.tasks), ...plan.otherTasks];
  };
  await page.goto(`/deals/${deal}`);
  const drawer = page.getByRole("dialog", { name: "Task" });
  const notice = (text: string | RegExp) => page.getByRole("status").filter({ hasText: text });

  await test.step("a task is added by hand, and a mistake keeps what was typed", async () => {
    await page.getByRole("button", { name: "Add a task" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a task" });
    await dialog.getByLabel("Description").fill("They asked for photos of the roof.");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(dialog.getByLabel("Title")).toHaveAttribute("aria-invalid", "true");
    await expect(dialog.getByLabel("Title")).toBeFocused();
    await expectAccessible(page);
    await dialog.getByLabel("Title").fill("Ask for photos of the roof");
    await dialog.getByRole("button", { name: "Add" }).click();
    await expect(notice("is in the plan")).toBeVisible();
    await expect(page.getByRole("link", { name: "Ask for photos of the roof" })).toBeVisible();
  });

  await test.step("it gets a date and an owner, and a change of somebody else is not lost", async () => {
    await page.getByRole("link", { name: "Ask for photos of the roof" }).click();
    await expect(drawer.getByText("They asked for photos of the roof.")).toBeVisible();
    await drawer.getByRole("button", { name: "More about this task" }).click();
    await page.getByRole("menuitem", { name: "Edit…" }).click();
    const dialog = page.getByRole("dialog", { name: "Edit the task" });
    await dialog.getByLabel("Due").fill(day(5));
    await dialog.getByLabel("Owner").selectOption({ label: "Inspector" });
    const own = (await tasks()).find((task) => task.title === "Ask for photos of the roof");
    const { version } = await ask<Task>(page, "GET", `/tasks/${own?.id}`);
    await ask(page, "PUT", `/tasks/${own?.id}`, { title: "Ask the inspector for photos of the roof", version });
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog.getByRole("alert")).toContainText("Ask the inspector for photos of the roof");
    await expect(dialog.getByLabel("Due")).toHaveValue(day(5));
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(notice("Saved.")).toBeVisible();
    await expect(drawer.getByRole("heading", { name: "Ask the inspector for photos of the roof" })).toBeVisible();
    expect((await ask<Task>(page, "GET", `/tasks/${own?.id}`)).dueDate).toBe(day(5));
  });

  await test.step("it waits for another task, and a circle is refused as its path", async () => {
    await drawer.getByRole("button", { name: "Add", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "What does it wait for?" });
    await dialog.getByLabel("Find a task").fill("complete the inspections");
    await dialog.getByRole("button", { name: /Complete the inspections and deliver the reports/ }).click();
    await expect(drawer.getByRole("heading", { name: "Why is this blocked?" })).toBeVisible();
    await expectAccessible(page);
    const first = (await tasks()).find((task) => task.title.startsWith("Complete the inspections"));
    await page.goto(`/deals/${deal}?task=${first?.id}`);
    await drawer.getByRole("button", { name: "Add", exact: true }).click();
    await dialog.getByLabel("Find a task").fill("photos of the roof");
    await dialog.getByRole("button", { name: /photos of the roof/ }).click();
    await expect(dialog.getByRole("alert").getByRole("listitem").first()).toContainText(/photos|inspections/);
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.goto(`/deals/${deal}?task=${(await tasks()).find((task) => task.title.includes("photos"))?.id}`);
    await drawer.getByRole("button", { name: /^No longer wait for/ }).click();
    await expect(notice("no longer waits")).toBeVisible();
    await expect(drawer.getByRole("heading", { name: "Why is this blocked?" })).toBeHidden();
  });

  await test.step("completed by mistake: the notice takes it back", async () => {
    await drawer.getByRole("button", { name: "Complete", exact: true }).click();
    await expect(drawer.getByRole("button", { name: "Reopen…" })).toBeVisible();
    await notice("Completed.").getByRole("button", { name: "Undo" }).click();
    await expect(drawer.getByRole("button", { name: "Complete", exact: true })).toBeVisible();
    await drawer.getByRole("button", { name: "Waive…" }).click();
    const dialog = page.getByRole("dialog", { name: "Waive the task" });
    await dialog.getByLabel("Reason").fill("The inspector sent them already");
    await dialog.getByRole("button", { name: "Waive", exact: true }).click();
    await expect(drawer.getByText("The inspector sent them already")).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(drawer).toBeHidden();
  });

  await test.step("the parties of the deal: added, changed, and taken out with the tasks they leave", async () => {
    await page.getByRole("link", { name: /^Parties/ }).click();
    await page.getByRole("button", { name: "Add a party" }).click();
    const add = page.getByRole("dialog", { name: "Add a party" });
    await add.getByLabel("Name").fill("Noor Haddad");
    await add.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("button", { name: "Edit… Noor Haddad" }).click();
    const edit = page.getByRole("dialog", { name: "Edit the party" });
    await edit.getByLabel("Company").fill("Fifth River Mortgage");
    await edit.getByLabel("E-mail").fill("no address");
    await edit.getByRole("button", { name: "Save" }).click();
    await expect(edit.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
    await edit.getByLabel("E-mail").fill("noor@fifth-river.example");
    await edit.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("row", { name: /Noor Haddad/ })).toContainText("Fifth River Mortgage");
    await expectAccessible(page);
    await page.getByRole("button", { name: "Remove Noor Haddad" }).click();
    const remove = page.getByRole("dialog", { name: "Remove Noor Haddad from the deal?" });
    await expect(remove.getByRole("listitem").filter({ hasText: "Lender issues clear to close" })).toBeVisible();
    await remove.getByRole("button", { name: "Remove" }).click();
    await expect(page.getByRole("row", { name: /Noor Haddad/ })).toBeHidden();
    await page.getByRole("link", { name: /^Plan/ }).click();
  });

  await test.step("many at once in the plan, by keyboard: each says what became of it", async () => {
    const contract = page.getByRole("region", { name: "Plan" }).getByRole("link", { name: /^Check the executed contract/ });
    await contract.focus();
    await page.keyboard.press("Control+a");
    await expect(page.getByRole("toolbar", { name: "Selected tasks" })).toContainText("7 selected");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("toolbar", { name: "Selected tasks" })).toBeHidden();
    await page.keyboard.press("x");
    await page.keyboard.press("Shift+J");
    await page.getByRole("checkbox", { name: /^Select Lender issues clear to close/ }).check();
    await expect(page.getByRole("toolbar", { name: "Selected tasks" })).toContainText("3 selected");
    await contract.focus();
    await page.keyboard.press("e");
    const results = page.getByRole("dialog", { name: "2 of 3 completed" });
    await expect(results.getByRole("listitem").filter({ hasText: "Lender issues clear to close" })).toContainText("Blocked: it waits for");
    await expectAccessible(page);
    await results.getByRole("button", { name: "Close" }).last().click();
    await expect(contract).toBeHidden();
    await page.getByRole("checkbox", { name: /^Select Enter the key dates/ }).check();
    await page.getByRole("checkbox", { name: /^Select Opening compliance review/ }).check();
    await page.getByRole("toolbar").getByRole("button", { name: "Assign" }).click();
    await page.getByRole("dialog", { name: "Assign 2 tasks" }).getByRole("button", { name: "Ruth Calder (me)" }).click();
    await expect(notice("2 assigned to Ruth Calder.")).toBeVisible();
    await notice("2 assigned").getByRole("button", { name: "Undo" }).click();
    const assignee = async () => (await ask<{ assigneeId: string | null }>(page, "GET", `/tasks/${(await tasks()).find((task) => task.title.startsWith("Opening compliance"))?.id}`)).assigneeId;
    await expect.poll(assignee).toBeNull();
  });
});
