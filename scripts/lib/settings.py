"""Lists every setting of every program from the code, and compares what deployments set with it.

Usage: settings.py REPOSITORY [--write] [MANIFESTS.yaml...]

Writes or compares deploy/env.md. Each Deployment of the manifests, and each service of deploy/compose/compose.yaml, sets
all settings that its program needs, and none that it does not read.
"""

import re
import sys
from pathlib import Path

import yaml

SERVICES = ["gateway", "user-service", "deal-service", "task-service", "workflow-worker"]
# Sub-commands that end by themselves and what they need (crates/testkit/tests/configuration.rs tries each).
COMMAND_SETTINGS = {"MIGRATE_DATABASE_URL", "MAINTENANCE_DATABASE_URL"}
# What the code says of these in other words, or in another place.
TEXTS = {
    "USER_SERVICE_URL": "where user-service answers",
    "DEAL_SERVICE_URL": "where deal-service answers",
    "TASK_SERVICE_URL": "where task-service answers",
    "WORKER_URL": "where workflow-worker answers",
    "SERVICE_KEY_FILE": "the program's own Ed25519 private key (PKCS 8, PEM), for tokens among services",
    "TRUSTED_SERVICES_DIR": "a directory of `<service>.pem`, the services' public keys",
    "LOG_FILE": "a file with the value of `LOG`, which is read again every 5 s: what is logged changes while the program runs",
    "PLAINTEXT": "`allowed`: unencrypted addresses of other machines are taken, because the network encrypts (ADR 25); `refused` by default",
    "MIGRATE_DATABASE_URL": "PostgreSQL as the owner of the program's schema; for `migrate` and `load-templates` alone",
    "MAINTENANCE_DATABASE_URL": "PostgreSQL as the role that makes partitions; for `upkeep` alone",
}

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def code(path):
    """Without tests."""
    return re.split(r"\n#\[cfg\(test\)\]", path.read_text())[0]


def documented(text):
    """`NAME`: what the documentation of a field says of it, in one line."""
    found = {}
    comment = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("///"):
            comment.append(stripped[3:].strip())
            continue
        match = re.match(r"((?:`[A-Z][A-Z_]+`(?:, )?)+)[:;] (.*)", " ".join(comment))
        if match:
            for name in re.findall(r"`([A-Z_]+)`", match[1]):
                found[name] = match[2].rstrip(".")
        comment = []
    return found


def read_settings(text):
    """Names that code reads, with whether each is needed."""
    found = {}
    text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
    for call, name in re.findall(r'env\s*\.(required|required_as|optional|or|text)(?:::<[^>]*>)?\(\s*"([A-Z_]+)"', text):
        found[name] = found.get(name, False) or call.startswith("required")
    return found


def settings_of(repository, service):
    platform = repository / "crates/platform/src"
    common = code(platform / "config.rs") + code(platform / "auth/service_token.rs")
    own = "".join(code(path) for path in sorted((repository / "services" / service / "src").rglob("*.rs")))
    own += "".join(
        f'env.required("{name}")' for name in re.findall(r'database_url\(Env::from_process\(\), "([A-Z_]+)"\)', own)
    )
    needed = {**read_settings(common), "PLAINTEXT": False, "LOG_FILE": False, **read_settings(own)}
    needed.pop("ENV", None)
    texts = {**documented(common), **documented(own), **TEXTS}
    texts["ENV"] = "development or production (default)"
    needed["ENV"] = False
    for name in needed:
        if name not in texts:
            problem(service, f"reads {name}, and nothing says what it is")
    return needed, texts


def page(repository):
    lines = [
        "# Settings",
        "",
        "Every program reads environment variables that begin with `HAUSHAVN_`, and nothing else. `HAUSHAVN_X_FILE` gives the path of a file that holds the value of `HAUSHAVN_X`, for secrets that are mounted (64 KiB at most, without the end of the last line). It reports everything that is missing or wrong in one message and ends. Made by `scripts/charts --write` from the code, which it is compared with.",
        "",
        "The charts set all of them from values and Secrets ([helm](../helm/README.md)), and so does [compose](compose/compose.yaml).",
    ]
    rows = {service: settings_of(repository, service) for service in SERVICES}
    everywhere = set.intersection(*(set(needed) for needed, _ in rows.values()))
    sections = [("Every program", rows["gateway"], everywhere)]
    sections += [(service, rows[service], set(rows[service][0]) - everywhere) for service in SERVICES]
    for title, (needed, texts), names in sections:
        lines += ["", f"## {title}", "", "| variable | needed | what it is |", "| --- | --- | --- |"]
        for name in sorted(names, key=lambda name: (name in COMMAND_SETTINGS, not needed[name], name)):
            word = "by a command" if name in COMMAND_SETTINGS else "yes" if needed[name] else "no"
            lines.append(f"| `HAUSHAVN_{name}` | {word} | {texts.get(name, '').replace('|', '/')} |")
    return "\n".join(lines) + "\n", rows


def check_environment(where, service, names, rows):
    needed, _ = rows[service]
    own = {name.removeprefix("HAUSHAVN_") for name in names if name.startswith("HAUSHAVN_")}
    for name in own - set(needed):
        problem(where, f"sets HAUSHAVN_{name}, which {service} does not read")
    for name in {name for name, is_needed in needed.items() if is_needed} - own - COMMAND_SETTINGS:
        problem(where, f"does not set HAUSHAVN_{name}, which {service} needs")


def main():
    repository = Path(sys.argv[1])
    write = "--write" in sys.argv
    manifests = [Path(argument) for argument in sys.argv[2:] if argument.endswith(".yaml")]
    text, rows = page(repository)
    path = repository / "deploy/env.md"
    if write:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        problem("deploy/env.md", "is not what the code reads: scripts/charts --write")
    checked = 0
    for manifest in manifests:
        for document in yaml.safe_load_all(manifest.read_text()):
            if document and document["kind"] == "Deployment":
                container = document["spec"]["template"]["spec"]["containers"][0]
                if container["name"] not in rows:
                    continue  # the web application names its settings in src/lib/settings.ts
                names = [variable["name"] for variable in container["env"]]
                check_environment(f"{manifest.stem}: {document['metadata']['name']}", container["name"], names, rows)
                checked += 1
    compose = repository / "deploy/compose/compose.yaml"
    if compose.exists():
        for name, service in yaml.safe_load(compose.read_text())["services"].items():
            if name in SERVICES:
                check_environment(f"compose: {name}", name, service["environment"], rows)
                checked += 1
    count = len({name for needed, _ in rows.values() for name in needed})
    print(f"{count} settings of {len(SERVICES)} programs are on deploy/env.md; {checked} deployments set what they need")
    for line in problems:
        print(f"error: {line}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
