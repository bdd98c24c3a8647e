"""Measures a running stack and prints one table; see scripts/bench."""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

import fill
from flame import flame
from measure import SHOWN, limit, load
from stack import DATA, HOME, sql

OPERATIONS = ["healthz", "deals", "task", "summary", "summary-cold", "complete"]
WARM_SECONDS = 2
LIMIT_CLIENTS = 16


def say(text):
    print(text, file=sys.stderr, flush=True)


def prepare(operation):
    """Brings the data into the state that the operation begins with."""
    if operation == "complete":
        fill.reset()
    if operation == "summary-cold":
        forget_summaries()


def forget_summaries():
    script = "for _, key in ipairs(redis.call('KEYS', '*summary:*')) do redis.call('UNLINK', key) end"
    subprocess.run(["redis-cli", "-u", os.environ["HAUSHAVN_REDIS_URL"], "--no-auth-warning", "EVAL", script, "0"], check=True, capture_output=True)


def measure(options):
    """Every operation at every number of connections, in turns, so that a disturbance falls on all of them."""
    samples = int(sql("SELECT count(*) FROM bench.sample")[0][0])
    results = {}
    for repeat in range(options.repeats):
        for operation in options.operations:
            for connections in options.connections:
                # Each deal once: as long as the deals last.
                seconds = 1 if operation == "summary-cold" else options.seconds
                # A completion makes a summary that is kept an old one.
                if operation == "summary" or (repeat == 0 and operation not in ("complete", "summary-cold")):
                    load(operation, connections, WARM_SECONDS, 0)
                prepare(operation)
                keep(results, operation, connections, load(operation, connections, seconds, repeat + 1))
            if operation not in ("healthz", "summary-cold") and not options.no_limit:
                prepare(operation)
                found = limit(operation, LIMIT_CLIENTS, options.seconds, repeat + 1, samples)
                keep(results, operation, "limit", found)
                # Plain SQL leaves tasks that no service would make.
                prepare(operation)
    return results


def keep(results, operation, connections, found):
    results.setdefault((operation, connections), []).append(found)
    say(f"{operation:13} {connections!s:>5} {found['rate']:9.0f}/s  p95 {found['p95']:8.1f} ms  refused {found['refused']}, broken {found['broken']}")


def median(repeats, *path):
    def value(found):
        for name in path:
            found = found[name]
        return found

    return statistics.median(value(found) for found in repeats)


def table(results, options):
    commit = subprocess.run(["git", "log", "-1", "--format=%h"], capture_output=True, text=True, cwd=pathlib.Path(__file__).parent).stdout.strip()
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    kept = json.loads((DATA / "filled.json").read_text())
    lines = [
        f"{datetime.date.today()}, commit {commit}; {os.cpu_count()} cores, {model}",
        f"{kept['deals']} deals in {fill.ORGANIZATIONS} organizations and {kept['in_one']} more in one of them; "
        f"{options.repeats} x {options.seconds} s in turns, medians (and the spread of the rate)",
        "",
    ]
    heads = ["operation", "conns", "rate/s", "spread", "p50 ms", "p95", "p99", *[f"{n} µs" for n in SHOWN], "behind", "sum", "statements", "rows", "bytes", "failed"]
    rows = [heads]
    for (operation, connections), repeats in results.items():
        rates = [found["rate"] for found in repeats]
        costs = [median(repeats, "cost", name) for name in [*SHOWN, "behind"]]
        failed = sum(found["refused"] + found["broken"] for found in repeats)
        rows.append([
            operation,
            str(connections),
            f"{statistics.median(rates):.0f}",
            f"{min(rates):.0f}-{max(rates):.0f}",
            *[f"{median(repeats, name):.1f}" for name in ("p50", "p95", "p99")],
            *[f"{cost:.0f}" for cost in costs],
            f"{sum(costs):.0f}",
            f"{median(repeats, 'statements'):.1f}",
            f"{median(repeats, 'rows'):.0f}",
            f"{median(repeats, 'bytes'):.0f}",
            str(failed),
        ])
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--deals", type=int, default=2000)
    parser.add_argument("--in-one", type=int, default=0)
    parser.add_argument("--connections", type=lambda text: list(map(int, text.split(","))), default=[1, 32, 128])
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-limit", action="store_true")
    parser.add_argument("operations", nargs="*", default=OPERATIONS)
    options = parser.parse_args()
    if options.operations[:1] == ["flame"]:
        if len(options.operations) != 3:
            parser.error("flame OPERATION PROCESS")
        graph, options.operations = options.operations[1:], options.operations[1:2]
    else:
        graph = None
    unknown = set(options.operations) - set(OPERATIONS)
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(OPERATIONS)}")
    if not (DATA / "filled.json").exists():
        say("filling the database")
        fill.fill(options.deals, options.in_one)
    sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    fill.reset()
    fill.write_requests()
    if graph:
        return flame(*graph, options.seconds)
    text = table(measure(options), options)
    print(text)
    (HOME / "bench" / "table.txt").write_text(text + "\n")


main()
