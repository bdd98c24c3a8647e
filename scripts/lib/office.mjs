// Fills the demo organization with deals at different stages, as its coordinator and agents would: one whose closing is
// near and late, one on hold, one whose dates moved. Reads logins and the gateway's address from the environment:
//
//   HAUSHAVN_GATEWAY_URL, OFFICE (JSON: sessions of coordinator, agent and buyer as sign-in answers them)
import process from "node:process";

const api = `${process.env.HAUSHAVN_GATEWAY_URL}/api`;
const { coordinator, agent, buyer } = JSON.parse(process.env.OFFICE);
const TEMPLATE = "us_residential_purchase_buyer";
const APPLIED_WITHIN_MS = 60_000;

async function call(method, path, session, body) {
  const answer = await fetch(api + path, {
    method,
    headers: { authorization: `Bearer ${session.accessToken}`, ...(body ? { "content-type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

// Days as the organization counts them: in its own zone.
const { organization } = await call("GET", "/auth/me", coordinator);
const inZone = new Intl.DateTimeFormat("en-CA", { timeZone: organization.timezone });
const day = (offset) => inZone.format(new Date(Date.now() + offset * 86_400_000));
const today = day(0);

const FIRMS = {
  lender: { name: "Noor Haddad", company: "Fifth River Mortgage", phone: "(207) 555-0113", email: "noor@fifthriver.example" },
  title_escrow: { name: "Lee Marsh", company: "Casco Title Agency", phone: "(207) 555-0148", email: "lee@cascotitle.example" },
  inspector: { name: "Owen Pike", company: "Pike Home Inspection", phone: "(207) 555-0172", email: "owen@pike.example" },
  appraiser: { name: "Iris Cole", company: "Cole Appraisal", phone: "(207) 555-0190", email: "iris@cole.example" },
  listing_agent: { name: "Dennis Larkin", company: "Back Cove Homes", phone: "(207) 555-0126", email: "dennis@backcove.example" },
  seller: { name: "Graham Pell", phone: "(207) 555-0155" },
};

async function deal(plan) {
  const created = await call("POST", "/deals", agent, {
    propertyAddress: { street: plan.street, city: plan.city ?? "Portland", stateOrProvince: "ME", postalCode: plan.zip ?? "04101", ...(plan.unit ? { unit: plan.unit } : {}) },
    dealType: "PURCHASE",
    purchasePrice: { amount: plan.price, currency: "USD" },
    templateKey: TEMPLATE,
    facts: { financing_type: "conventional", hoa: false, year_built: 1994, repairs_requested: true, ...plan.facts },
    keyDates: { effective_date: day(-plan.since), closing_date: day(plan.closes) },
    parties: [
      plan.mine
        ? { role: "buyer", name: buyer.user.fullName, userId: buyer.user.id }
        : { role: "buyer", name: plan.buyer, phone: "(207) 555-0101", email: "buyer@example.com" },
      { role: "buyer_agent", name: agent.user.fullName, userId: agent.user.id, phone: "(207) 555-0142", company: "Tidewater Realty Group" },
      { role: "transaction_coordinator", name: coordinator.user.fullName, userId: coordinator.user.id, phone: "(207) 555-0107", company: "Tidewater Realty Group" },
      ...Object.entries(FIRMS).map(([role, firm]) => ({ role, ...firm })),
    ],
  });
  const deadline = Date.now() + APPLIED_WITHIN_MS;
  while ((await call("GET", `/deals/${created.id}/plan`, coordinator)).planState !== "APPLIED") {
    if (Date.now() > deadline) throw new Error(`the plan of ${plan.street} was not applied in time`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await work(created.id, plan.workedUntil ?? 0, plan.left ?? 0);
  if (plan.moveTo) {
    const { version } = await call("GET", `/deals/${created.id}/key-dates`, coordinator);
    await call("PUT", `/deals/${created.id}/key-dates`, coordinator, { keyDates: plan.moveTo.dates, reason: plan.moveTo.reason, version });
  }
  if (plan.hold) await call("POST", `/deals/${created.id}/hold`, coordinator, { reason: plan.hold });
  return created;
}

// Completes what was due before a day, in its order and back-dated, and leaves the last few of it open.
async function work(id, until, left) {
  for (;;) {
    const { milestones } = await call("GET", `/deals/${id}/plan`, coordinator);
    const tasks = milestones.flatMap((milestone) => milestone.tasks);
    const done = new Set(tasks.filter((task) => ["COMPLETED", "WAIVED"].includes(task.status)).map((task) => task.id));
    const due = tasks
      .filter((task) => !done.has(task.id) && task.dueDate && task.dueDate < day(until))
      .sort((one, other) => one.dueDate.localeCompare(other.dueDate));
    const ready = due.slice(0, Math.max(0, due.length - left)).filter((task) => task.dependsOn.every((other) => done.has(other)));
    if (ready.length === 0) return;
    for (const task of ready) {
      await call("POST", `/tasks/${task.id}/complete`, coordinator, { completedOn: task.dueDate < today ? task.dueDate : today });
    }
  }
}

const deals = [
  { street: "1418 Larkspur Lane", mine: true, price: "525000.00", since: 29, closes: 15, moveTo: { dates: { loan_commitment_deadline: day(6) }, reason: "The lender asked for another week; both sides signed the amendment" } },
  { street: "66 Canal Walk", buyer: "Minh and Carol Nguyen", price: "412000.00", since: 40, closes: 2, left: 3 },
  { street: "77 Harbor View Dr", unit: "4B", buyer: "Wei Chen", price: "400000.00", since: 38, closes: 4, workedUntil: 1, facts: { hoa: true } },
  { street: "940 Glen Echo Rd", buyer: "Haddad and Novak", price: "471000.00", since: 24, closes: 9, left: 2 },
  { street: "2305 Wexford Ct", buyer: "Ruth Abernathy", price: "389000.00", since: 11, closes: 24 },
  { street: "18 Quarry Rd", buyer: "The Lindqvist family", price: "618000.00", since: 6, closes: 33, left: 1 },
  { street: "4410 Olentangy Blvd", buyer: "Kim and Sam Doyle", price: "552000.00", since: 1, closes: 41 },
  { street: "7 Tannery Sq", buyer: "Marcus Hale", price: "436000.00", since: 17, closes: 20, hold: "Probate court date pending" },
];
for (const plan of deals) await deal(plan);
console.log(deals.length);
