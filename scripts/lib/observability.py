"""Compares alerts, dashboards, runbooks and the page of metrics with each other and with a running stack.

Usage: observability.py REPOSITORY URL...    URLs whose metrics are read
"""

import json
import re
import sys
import urllib.request
from pathlib import Path

import yaml

# Of kubelets, node-exporter and kube-state-metrics, which no stack of ours has.
OUTSIDE = {
    "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes",
    "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "kube_job_status_failed",
}
WORDS = {
    "and", "or", "unless", "on", "ignoring", "group_left", "group_right", "by", "without", "bool", "inf", "nan",
}

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def used_metrics(expression):
    """Names of metrics in a query, with the labels that it asks of each."""
    found = {}
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expression)
    text = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", text)
    quoted = r'"(?:[^"\\]|\\.)*"'
    for match in re.finditer(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\(|\{{(?:{quoted}|[^}}\"])*\}})?", re.sub(rf"(?<![=~!]){quoted}", " ", text)):
        name, after = match[1], match[2] or ""
        if after == "(" or name in WORDS or text[match.start() - 1: match.start()] in {"$", "."}:
            continue
        if re.search(r"[0-9.]$", text[: match.start()]):
            continue  # the unit of a number
        found.setdefault(name, set()).update(re.findall(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)", re.sub(quoted, '""', after)))
    return found


def queries(repository):
    """Every query with where it is written."""
    directory = repository / "deploy/observability"
    for path in sorted((directory / "rules").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield f"{path.name}: {rule.get('alert') or rule['record']}", rule["expr"]
    for path in sorted((directory / "dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}: {panel['title']}", target["expr"].replace("$__rate_interval", "5m")
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{path.name}: {variable['name']}", re.match(r"label_values\((.*),\s*\w+\)", variable["definition"])[1]


def scrape(urls):
    """Names of samples with the names of their labels."""
    found = {}
    for url in urls:
        with urllib.request.urlopen(url, timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line and not line.startswith("#"):
                    name, _, labels = line.partition("{")
                    name = name.split(" ")[0]
                    found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def declared(repository):
    """Metrics that the services declare; some of them show only when something has happened."""
    text = (repository / "crates/platform/src/telemetry/metrics.rs").read_text()
    return set(re.findall(r'^pub const \w+: &str =\s*"(\w+)";', text, re.M))


def check_queries(repository, scraped):
    recorded, count, used = set(), 0, set()
    known = declared(repository)
    for where, _ in queries(repository):
        if re.search(r": \w+:\w+:\w+$", where):
            recorded.add(where.split(": ")[1])
    for where, expression in queries(repository):
        count += 1
        names = used_metrics(expression)
        if not names:
            problem(where, "asks of no metric")
        for name, labels in names.items():
            used.add(name)
            base = re.sub(r"_(bucket|count|sum)$", "", name)
            if name in scraped:
                for label in labels - scraped[name]:
                    problem(where, f"asks {name} for {label}, which it does not have: {sorted(scraped[name])}")
            elif name not in recorded | known | OUTSIDE and base not in known:
                problem(where, f"asks of {name}, which no running service shows and none declares")
    for name in known:
        if not any(re.sub(r"_(bucket|count|sum)$", "", metric) == name for metric in used):
            problem(name, "is on no dashboard and in no alert")
    return count, used


def check_pages(repository):
    directory = repository / "deploy"
    alerts, tested = set(), {True: set(), False: set()}
    for path in (directory / "observability/rules").glob("*.yaml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" not in rule:
                    continue
                alerts.add(rule["alert"])
                if rule["annotations"].get("runbook") != f"deploy/runbooks/{rule['alert']}.md":
                    problem(rule["alert"], "does not name its runbook")
                if rule["labels"].get("severity") not in {"critical", "warning"}:
                    problem(rule["alert"], "has no severity")
    for path in (directory / "observability/tests").glob("*.yaml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for expected in test.get("alert_rule_test", []):
                tested[bool(expected["exp_alerts"])].add(expected["alertname"])
    runbooks = {path.stem: path.read_text() for path in (directory / "runbooks").glob("*.md")}
    for alert in alerts - tested[True]:
        problem(alert, "is not tested to fire")
    for alert in alerts - tested[False]:
        problem(alert, "is not tested to be silent")
    for name in alerts ^ set(runbooks):
        problem(name, "is an alert without a runbook, or a runbook without an alert")
    for name, text in runbooks.items():
        for heading in ["## What to look at", "## What to do", "## How to see that it helped"]:
            if heading not in text:
                problem(name, f"has no section {heading!r}")
    documented = set(re.findall(r"`([a-z_]+)`", "\n".join(
        line.split("|")[1] for line in (directory / "observability/metrics.md").read_text().splitlines() if line.startswith("| `")
    )))
    for name in declared(repository) ^ {name for name in documented if not name.startswith(("temporal_", "rabbitmq_"))}:
        problem("metrics.md", f"{name} is on the page or in the code, and not in both")
    return len(alerts)


def main():
    repository = Path(sys.argv[1])
    scraped = scrape(sys.argv[2:])
    count, used = check_queries(repository, scraped)
    alerts = check_pages(repository)
    print(f"{count} queries of {len(used)} metrics, {len(scraped)} of them or others shown by the running stack; "
          f"{alerts} alerts with runbook and tests")
    for line in problems:
        print(f"error: {line}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
