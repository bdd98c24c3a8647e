"""The running stack as a benchmark sees it: its API, its database, its processes and what they have used so far."""

import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

HOME = pathlib.Path(os.environ["HAUSHAVN_HOME"])
DATA = HOME / "bench"
GATEWAY = os.environ["HAUSHAVN_GATEWAY_URL"]
DATABASE = os.environ["HAUSHAVN_SUPERUSER_DATABASE_URL"]
TICKS = os.sysconf("SC_CLK_TCK")
ATTEMPTS = 60


def call(method, path, token=None, body=None):
    """A request to the API; waits out 429 and 503, and ends the program at any other error."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{GATEWAY}/api{path}", method=method, data=data)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    for _ in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise SystemExit(f"{method} {path} answered {error.code}: {error.read()[:400]}") from error
            time.sleep(1)
    raise SystemExit(f"{method} {path} was refused {ATTEMPTS} times")


def sql(text):
    """Runs SQL as the superuser and answers its rows as lists of texts."""
    command = ["psql", DATABASE, "-qXAt", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"psql: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines() if line]


def processes():
    """The process of each component, by its name."""
    return {file.stem: int(file.read_text().split()[0]) for file in (HOME / "run").glob("*.pid")}


def processor_seconds(roots):
    """Processor seconds used so far by each process with all below it, and by the whole machine (`busy`)."""
    own, children = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = pathlib.Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2 :].split()
        own[int(entry)] = sum(map(int, fields[11:15]))
        children.setdefault(int(fields[1]), []).append(int(entry))

    def of_tree(pid):
        return own.get(pid, 0) + sum(of_tree(child) for child in children.get(pid, []))

    used = {name: of_tree(pid) / TICKS for name, pid in roots.items()}
    machine = list(map(int, open("/proc/stat").readline().split()[1:9]))
    used["busy"] = (sum(machine[:3]) + sum(machine[5:7])) / TICKS
    return used


def database_counts():
    """Statements that the services' request roles have run, and rows that were read, so far."""
    statements = sql(
        "SELECT r.rolname, sum(s.calls) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid"
        " WHERE r.rolname IN ('task_svc', 'deal_svc', 'auditor') GROUP BY 1"
    )
    rows = sql("SELECT sum(seq_tup_read) + sum(coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")
    return {
        "statements": sum(int(calls) for _, calls in statements),
        "rows": int(rows[0][0]),
    }
