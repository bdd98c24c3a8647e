"""One measure: a load for some seconds, and what it cost."""

import json
import os
import pathlib
import re
import subprocess
import time

from stack import DATA, DATABASE, GATEWAY, database_counts, processes, processor_seconds

HERE = pathlib.Path(__file__).parent
IDS = {"healthz": None, "deals": None, "task": "tasks", "summary": "deals", "summary-cold": "deals", "complete": "open"}
TOKENS = {"deals": "coordinators"}
# PostgreSQL counts what a session has done when it is idle, at most once a second.
COUNTED_AFTER_S = 1.5
# What is shown apart; the rest of the stack is "behind".
SHOWN = ["gateway", "deal-service", "task-service", "postgres", "redis"]


def load(operation, connections, seconds, seed, url=GATEWAY):
    """Sends requests of this operation over so many connections; answers rate, latency and costs a request."""
    roots = processes()
    output = DATA / "load.json"
    ids = IDS[operation]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "requests.lua")]
    command += [url, "--", operation, str(DATA / TOKENS.get(operation, "tokens"))]
    command += [str(DATA / ids) if ids else "-", str(seed)]
    counts = database_counts()
    used = processor_seconds(roots)
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "BENCH_OUT": str(output)})
    used = difference(processor_seconds(roots), used)
    time.sleep(COUNTED_AFTER_S)
    counts = difference(database_counts(), counts)
    seen = json.loads(output.read_text())
    return result(seen["requests"], seen["seconds"], seen, used, counts)


def limit(operation, clients, seconds, seed, samples):
    """The same answer from PostgreSQL alone: plain SQL as the superuser, without policies and triggers."""
    script = HERE / "limit" / f"{operation.removesuffix('-cold')}.sql"
    for old in DATA.glob("limit.*"):
        old.unlink()
    command = [pgbench(), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds), "-f", str(script)]
    command += ["-D", "i=-1", "-D", f"clients={clients}", "-D", f"samples={samples}", f"--random-seed={seed}"]
    command += ["-l", "--log-prefix", str(DATA / "limit"), DATABASE]
    environment = {**os.environ, "PGOPTIONS": "-c session_replication_role=replica"}
    roots = {"postgres": processes()["postgres"]}
    used = processor_seconds(roots)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    used = difference(processor_seconds(roots), used)
    number = int(re.search(r"actually processed: (\d+)", done.stdout)[1])
    rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
    times = sorted(int(line.split()[2]) / 1e3 for file in DATA.glob("limit.*") for line in file.open())
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    seen = {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "refused": 0, "broken": 0, "bytes": 0}
    return result(number, number / rate, seen, used, {"statements": 0, "rows": 0})


def pgbench():
    """Beside the newest server, where Debian's packages put it."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return str(found[-1]) if found else "pgbench"


def difference(after, before):
    return {name: after[name] - before.get(name, 0) for name in after}


def result(requests, seconds, seen, used, counts):
    each = max(requests, 1)
    cost = {name: used.get(name, 0) / each * 1e6 for name in SHOWN}
    cost["behind"] = sum(v for k, v in used.items() if k not in SHOWN and k != "busy") / each * 1e6
    return {
        "rate": requests / seconds,
        **{name: seen[name] for name in ("p50", "p95", "p99", "refused", "broken")},
        "bytes": seen["bytes"] / each,
        "cost": cost,
        "statements": counts["statements"] / each,
        "rows": counts["rows"] / each,
    }
