"""Holds deploy/compose/compose.yaml against the compose specification and against what is around it.

Usage: compose.py REPOSITORY SCHEMA.json
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import compose_spec
import jsonschema
import yaml

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def made_variables(repository):
    """Names that make-env writes, in a copy of its directory."""
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "make-env"
        script.write_text((repository / "deploy/compose/make-env").read_text())
        subprocess.run(["bash", script], check=True, capture_output=True)
        names = dict(line.split("=", 1) for line in (Path(directory) / ".env").read_text().splitlines())
        keys = {str(path.relative_to(directory)) for path in Path(directory).rglob("*.pem")}
        return names, keys


def interpolated(text, values):
    """As Docker does it: ${NAME}, ${NAME:-default}, ${NAME:?message}."""
    def value(match):
        name, operator, rest = match[1], match[2], match[3]
        if name in values:
            return values[name]
        if operator == ":-":
            return rest
        problem(f"${{{name}}}", "is not made by make-env and has no default")
        return ""
    return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, text)


def check_service(repository, keys, name, service, names):
    directory = repository / "deploy/compose"
    if not service.get("profiles"):
        problem(name, "is in no profile")
    if not re.search(r":[^:/]+$", service["image"]) or service["image"].endswith(":latest"):
        problem(name, f"runs {service['image']}, which names no version")
    for dependency in service.get("depends_on", {}):
        if dependency not in names:
            problem(name, f"depends on {dependency}, which is no service")
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("./secrets"):
            if not any(key == source[2:] or key.startswith(f"{source[2:]}/") for key in keys):
                problem(name, f"mounts {source}, which make-env does not make")
        elif source.startswith("."):
            if not (directory / source).exists():
                problem(name, f"mounts {source}, which is not there")
            if not volume.endswith(":ro"):
                problem(name, f"may write {source}")
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            problem(name, f"publishes {port} to everybody")
    if "apps" in service["profiles"]:
        for field, wanted in [("read_only", True), ("cap_drop", ["ALL"]), ("security_opt", ["no-new-privileges:true"])]:
            if service.get(field) != wanted:
                problem(name, f"needs {field}: {wanted}")
        if "mem_limit" not in service:
            problem(name, "has no bound of memory")


def main():
    repository, schema = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    values, keys = made_variables(repository)
    text = interpolated((repository / "deploy/compose/compose.yaml").read_text(), values)
    document = yaml.safe_load(text)
    for error in jsonschema.Draft7Validator(schema).iter_errors(document):
        problem(".".join(str(part) for part in error.path), error.message[:200])
    # Merge keys are YAML's own and resolved above; this parser reads the result as Docker would.
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(document))
    for name, service in document["services"].items():
        check_service(repository, keys, name, service, document["services"])
    listed = re.findall(r"\\i /bootstrap/(\S+)", (repository / "deploy/compose/bootstrap.sql").read_text())
    if listed != sorted(os.listdir(repository / "migrations/bootstrap")):
        problem("bootstrap.sql", "does not run every file of migrations/bootstrap in order")
    profiles = sorted({profile for service in document["services"].values() for profile in service["profiles"]})
    print(f"compose.yaml: {len(document['services'])} services in the profiles {', '.join(profiles)} follow the specification")
    for line in problems:
        print(f"error: {line}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
