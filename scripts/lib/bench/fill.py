"""The data of a benchmark: organizations with users, and deals of the buyer template.

One deal an organization is made through the API, with its plan by its workflow; the others are copies of it, made in
SQL, which takes seconds instead of hours. Files name ids and the sessions that may ask for them.
"""

import concurrent.futures
import datetime
import json
import random
import secrets
import time

from stack import DATA, call, sql

ORGANIZATIONS = 20
ROLES = ["TRANSACTION_COORDINATOR"] * 5 + ["BUYER_AGENT"] * 3 + ["BUYER"]
DAYS_TO_CLOSING = 45

# Every table that holds something of a deal, with the columns that hold an id of it.
COPIED = {
    "ctx.deals": ["id"],
    "ctx.deal_access": ["deal_id"],
    "deal.deals": ["id"],
    "deal.parties": ["id", "deal_id"],
    "deal.plan_view": ["deal_id"],
    "deal.milestone_view": ["id", "deal_id"],
    "deal.task_view": ["id", "deal_id", "milestone_id"],
    "deal.key_date_view": ["deal_id"],
    "task.plans": ["id", "deal_id"],
    "task.key_date_sets": ["id", "deal_id"],
    "task.key_dates": ["deal_id"],
    "task.milestones": ["id", "deal_id"],
    "task.tasks": ["id", "deal_id", "milestone_id"],
    "task.dependencies": ["deal_id", "task_id", "depends_on_id"],
}


def fill(deals, in_one):
    """Makes `deals` deals over all organizations, and `in_one` more in the first of them."""
    DATA.mkdir(parents=True, exist_ok=True)
    password = secrets.token_hex(12)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        organizations = list(pool.map(lambda n: organization(n, password), range(ORGANIZATIONS)))
    copy(organizations, deals // ORGANIZATIONS - 1, in_one)
    kept = {"deals": deals, "in_one": in_one, "password": password, "organizations": organizations}
    (DATA / "filled.json").write_text(json.dumps(kept))


def organization(number, password):
    name = f"bench-{secrets.token_hex(4)}-{number}"
    founded = call(
        "POST",
        "/auth/signup",
        body={
            "organizationName": name,
            "fullName": "Bench Founder",
            "email": f"founder@{name}.example",
            "password": password,
        },
    )
    admin = founded["accessToken"]
    people = [{"email": f"founder@{name}.example", "role": "ADMIN", "id": founded["user"]["id"]}]
    for place, role in enumerate(ROLES):
        email = f"user{place}@{name}.example"
        invited = call("POST", "/users", admin, {"email": email, "fullName": f"User {place}", "role": role})
        accepted = call(
            "POST",
            "/auth/accept-invitation",
            body={"token": invited["invitationToken"], "fullName": f"User {place}", "password": password},
        )
        people.append({"email": email, "role": role, "id": accepted["user"]["id"], "token": accepted["accessToken"]})
    return {"people": people, "deal": planned_deal(people)}


def planned_deal(people):
    """A deal whose plan is applied and known to the read models."""
    coordinator, agent, buyer = people[1], people[6], people[9]
    today = datetime.date.today()
    deal = call(
        "POST",
        "/deals",
        agent["token"],
        {
            "propertyAddress": {
                "street": "12 Harbour Lane",
                "city": "Portland",
                "stateOrProvince": "ME",
                "postalCode": "04101",
            },
            "dealType": "PURCHASE",
            "purchasePrice": {"amount": "525000.00", "currency": "USD"},
            "templateKey": "us_residential_purchase_buyer",
            "facts": {"financing_type": "conventional", "hoa": True, "year_built": 1962, "repairs_requested": True},
            "keyDates": {
                "effective_date": str(today),
                "closing_date": str(today + datetime.timedelta(DAYS_TO_CLOSING)),
            },
            "parties": [
                {"role": "buyer", "name": "Buyer", "userId": buyer["id"]},
                {"role": "buyer_agent", "name": "Agent", "userId": agent["id"]},
                {"role": "transaction_coordinator", "name": "Coordinator", "userId": coordinator["id"]},
            ],
        },
    )["id"]
    for _ in range(200):
        plan = call("GET", f"/deals/{deal}/plan", coordinator["token"])
        seen = call("GET", f"/deals/{deal}/summary", coordinator["token"])
        if plan["planState"] == "APPLIED" and seen["progress"]["total"] >= 40:
            return deal
        time.sleep(0.3)
    raise SystemExit(f"the plan of deal {deal} was not made")


def copy(organizations, times, more_in_first):
    """Copies each organization's deal so many times, with ids that are computed from those of the first."""
    statements = [
        "SET session_replication_role = replica;",
        # Keeps the time of a UUIDv7, so that the copy falls into the same partition.
        "CREATE FUNCTION pg_temp.copy_of(i uuid, g int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT"
        " (substr(replace(i::text, '-', ''), 1, 12) || '7' || substr(md5(i::text || g::text), 1, 3) || 'a'"
        " || substr(md5(i::text || g::text), 4, 15))::uuid $$;",
    ]
    for place, made in enumerate(organizations):
        count = times + (more_in_first if place == 0 else 0)
        for table, ids in COPIED.items():
            statements.append(copy_statement(table, ids, made["deal"], count))
        for schema in ("deal", "task", "identity"):
            statements.append(copy_positions(schema, made["deal"], count))
    statements.append("ANALYZE;")
    sql("\n".join(statements))


def copy_statement(table, ids, deal, count):
    key = "id" if table in ("ctx.deals", "deal.deals") else "deal_id"
    columns = sql(
        f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
    )
    names = [row[0] for row in columns]
    values = [copied_value(table, name, ids) for name in names]
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
        f" FROM {table}, generate_series(1, {count}) g WHERE {key} = '{deal}';"
    )


def copy_positions(schema, deal, count):
    """What the consumers of this schema have applied: without it they wait for the copies' earlier events."""
    aggregates = " UNION ALL ".join(
        f"SELECT id FROM {table} WHERE {'id' if table == 'deal.deals' else 'deal_id'} = '{deal}'"
        for table in ("deal.deals", "deal.parties", "task.plans", "task.key_date_sets", "task.milestones", "task.tasks")
    )
    return (
        f"INSERT INTO {schema}.inbox_position SELECT p.consumer, pg_temp.copy_of(p.aggregate_id, g), p.version"
        f" FROM {schema}.inbox_position p, generate_series(1, {count}) g WHERE p.aggregate_id IN ({aggregates});"
    )


def copied_value(table, column, ids):
    if column in ids:
        return f"pg_temp.copy_of({column}, g)"
    if (table, column) == ("deal.task_view", "depends_on"):
        return "ARRAY(SELECT pg_temp.copy_of(x, g) FROM unnest(depends_on) x)"
    if table in ("deal.deals", "ctx.deals") and column == "name":
        return "name || ' ' || g"
    if (table, column) == ("deal.deals", "closing_date"):
        return "closing_date + g % 40"
    return column


def write_requests():
    """Signs everybody in, and writes the files that name tokens, ids, and which tokens may ask for which id."""
    kept = json.loads((DATA / "filled.json").read_text())
    organizations = kept["organizations"]
    people = [(place, person) for place, made in enumerate(organizations) for person in made["people"]]

    def token_of(entry):
        body = {"email": entry[1]["email"], "password": kept["password"]}
        return call("POST", "/auth/login", body=body)["accessToken"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(token_of, people))
    coordinators = {}
    for number, (place, person) in enumerate(people):
        if person["role"] == "TRANSACTION_COORDINATOR":
            coordinators.setdefault(place, []).append(number)
    write(DATA / "tokens", tokens)
    write(DATA / "coordinators", [tokens[n] for numbers in coordinators.values() for n in numbers])
    tenant = {}
    for place, made in enumerate(organizations):
        owner = sql(f"SELECT organization_id FROM deal.deals WHERE id = '{made['deal']}'")[0][0]
        tenant[owner] = ",".join(map(str, coordinators[place]))
    shuffle = random.Random(1)
    for name, query in {
        "deals": "SELECT id, organization_id FROM deal.deals WHERE status = 'ACTIVE'",
        "tasks": "SELECT id, organization_id FROM task.tasks WHERE deleted_at IS NULL",
        "open": "SELECT task_id, organization_id FROM bench.sample",
    }.items():
        rows = [row for row in sql(query) if row[1] in tenant]
        shuffle.shuffle(rows)
        write(DATA / name, [f"{row[0]} {tenant[row[1]]}" for row in rows])


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")


RESET = """
SET session_replication_role = replica;
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS bench;
-- In every deal the tasks by position in pairs: the first of a pair is open, the second waits for it alone.
CREATE TEMP TABLE place AS
  SELECT id, organization_id, deal_id, milestone_id, row_number() OVER (PARTITION BY deal_id ORDER BY position, id) - 1 AS n
    FROM task.tasks WHERE deleted_at IS NULL;
CREATE INDEX ON place (deal_id, n);
TRUNCATE task.dependencies;
INSERT INTO task.dependencies (organization_id, deal_id, task_id, depends_on_id)
  SELECT b.organization_id, b.deal_id, b.id, a.id FROM place a JOIN place b ON b.deal_id = a.deal_id AND b.n = a.n + 1
   WHERE a.n % 2 = 0;
UPDATE task.tasks t SET
  status = CASE WHEN p.n % 2 = 1 THEN 'BLOCKED' WHEN t.assignee_id IS NULL THEN 'PENDING' ELSE 'IN_PROGRESS' END,
  open_dependencies = p.n % 2, due_passed = false, completed_by = NULL, completed_at = NULL, completed_on = NULL,
  completed_late = false, waived_by = NULL, waived_at = NULL, template_fields = t.template_fields - 'followUp', due_at = NULL,
  due_date = coalesce(t.due_date, current_date + 30)
  FROM place p WHERE p.id = t.id;
UPDATE task.milestones m SET open_tasks = x.n, total_tasks = x.n, completed_at = NULL
  FROM (SELECT milestone_id, count(*) n FROM task.tasks WHERE deleted_at IS NULL GROUP BY 1) x WHERE x.milestone_id = m.id;
DROP TABLE IF EXISTS bench.sample;
CREATE TABLE bench.sample AS
  SELECT row_number() OVER (ORDER BY md5(a.id::text)) AS n, a.organization_id, a.deal_id, a.milestone_id, a.id AS task_id,
         b.id AS next_id, (SELECT u.id FROM identity.users u WHERE u.organization_id = a.organization_id AND u.role = 'ADMIN' LIMIT 1) AS user_id
    FROM place a JOIN place b ON b.deal_id = a.deal_id AND b.n = a.n + 1 WHERE a.n % 2 = 0;
ALTER TABLE bench.sample ADD PRIMARY KEY (n);
VACUUM ANALYZE task.tasks;
VACUUM ANALYZE task.dependencies;
VACUUM ANALYZE task.milestones;
ANALYZE bench.sample;
CHECKPOINT;
"""


def reset():
    """Every task into its first state."""
    sql(RESET)
