"""Computes deploy/sizing.md's tables from measured costs.

Usage: sizing.py [--write] REPOSITORY

Reads the costs from .github/docs/bench.txt (scripts/bench) and the use that is assumed from the constants below. Without
--write it fails if the tables in deploy/sizing.md are others.
"""

import math
import pathlib
import sys

# What people do with one active deal on a working day. Change these to your own figures and run `scripts/sizing`.
READS = {"deals": 6, "task": 24, "summary": 24, "summary-cold": 6}
COMMANDS = 4
# A working day in hours, and how much busier its busiest hour is than the mean.
DAY_HOURS = 10
PEAK = 3
# Cores are planned so that they are busy for this share at the peak.
BUSY = 0.5
# How long a deal is active, in days: that many times a year its rows are written again for another deal.
ACTIVE_DAYS = 45
# Connections to PostgreSQL that one pod of a service opens at most (a test of crates/platform holds it to that).
CONNECTIONS = 20
# Events that a command publishes, and the rows of one deal over its life with their indexes: deploy/sizing.md says where
# they are from.
EVENTS = 3.1
DEAL_KIB = 1110
CONNECTIONS_COUNT = 32
SIZES = [1_000, 10_000, 100_000, 1_000_000]
PROCESSES = ["gateway", "deal-service", "task-service", "postgres", "redis", "behind"]
BEGIN, END = "<!-- computed by scripts/sizing -->", "<!-- end -->"


def costs(text):
    """Microseconds of processor time a request, by operation and process, at 32 connections."""
    lines = [line for line in text.splitlines() if line.strip()]
    head = next(index for index, line in enumerate(lines) if line.startswith("operation"))
    first = lines[head].replace(" µs", "").split()
    # "p50 ms" is two words.
    first.remove("ms")
    found = {}
    for line in lines[head + 1 :]:
        cells = line.split()
        row = dict(zip(first, cells))
        if row["conns"] == str(CONNECTIONS_COUNT):
            found[row["operation"]] = {name: float(row[name]) for name in PROCESSES}
    return found


def size(deals, cost):
    a_day = {**READS, "complete": COMMANDS}
    seconds = DAY_HOURS * 3600
    rate = {operation: deals * number / seconds * PEAK for operation, number in a_day.items()}
    cores = {
        name: sum(rate[operation] * cost[operation][name] for operation in a_day) / 1e6 / BUSY for name in PROCESSES
    }
    pods = {name: max(2, math.ceil(cores[name])) for name in PROCESSES[:3]}
    services = 2 + pods["deal-service"] + pods["task-service"]  # and two of user-service
    year = deals * 365 / ACTIVE_DAYS
    return [
        f"{deals:,}",
        f"{sum(rate[name] for name in READS):,.0f} + {rate['complete']:,.1f}",
        *[f"{pods[name]}" for name in PROCESSES[:3]],
        f"{max(2, math.ceil(cores['behind'] / 2))}",
        f"{max(1, math.ceil(cores['postgres']))}",
        f"{cores['redis']:.1f}",
        f"{services * CONNECTIONS}",
        f"{rate['complete'] * EVENTS:,.0f}",
        f"{deals:,}",
        f"{year * DEAL_KIB / 1024 / 1024:,.0f}",
    ]


def tables(cost):
    heads = [
        "active deals", "reads + commands a second", "gateway pods", "deal-service pods", "task-service pods", "worker pods",
        "PostgreSQL cores", "Redis cores", "connections", "events a second", "open workflows", "GiB a year",
    ]
    rows = [heads, ["---"] * len(heads), *[size(deals, cost) for deals in SIZES]]
    text = ["| " + " | ".join(row) + " |" for row in rows]
    each = [["µs a request", *PROCESSES], ["---"] * (len(PROCESSES) + 1)]
    for operation in [*READS, "complete"]:
        each.append([operation, *[f"{cost[operation][name]:,.0f}" for name in PROCESSES]])
    text += ["", *["| " + " | ".join(row) + " |" for row in each]]
    return "\n".join(text)


def main(*arguments):
    repository = pathlib.Path(arguments[-1])
    page = repository / "deploy/sizing.md"
    text = page.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    made = f"{before}{BEGIN}\n\n{tables(costs((repository / '.github/docs/bench.txt').read_text()))}\n\n{END}{after}"
    if "--write" in arguments:
        page.write_text(made)
    elif made != text:
        raise SystemExit("deploy/sizing.md does not have the tables that scripts/sizing --write computes")
    print("deploy/sizing.md has the tables of .github/docs/bench.txt")


main(*sys.argv[1:])
