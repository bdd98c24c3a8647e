"""Judges the Helm charts. Run by scripts/charts, which says what it does.

Usage: charts.py REPOSITORY WORK_DIRECTORY NODE NODE_MODULES [--write]
"""

import copy
import difflib
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml

SERVICES = ["gateway", "web", "user-service", "deal-service", "task-service", "workflow-worker"]
# The oldest version that the charts allow, and the newest whose schemas are at hand.
KUBERNETES = ["1.32", "1.37"]
# What a request may take after preStop: HAUSHAVN_DRAIN and SHUTDOWN_TIMEOUT_SECONDS.
SHUTDOWN_SECONDS = 6 + 30
# Values that must be refused, and what the refusal names.
REFUSED = [
    ({"global": {"mesh": {"kind": "none"}}}, "nothing encrypts between the services"),
    ({"global": {"mesh": {"kind": "consul"}}}, "/global/mesh/kind"),
    ({"global": {"postgresql": {"sslmode": "prefer"}}}, "sslmode"),
    ({"global": {"postgresql": {"hots": "db"}}}, "hots"),
    ({"global": {"publicUrl": "haushavn.example.com"}}, "publicUrl"),
    ({"gatway": {"replicaCount": 3}}, "gatway"),
    ({"gateway": {"replicas": 3}}, "replicas"),
    ({"gateway": {"terminationGracePeriodSeconds": 10}}, "terminationGracePeriodSeconds"),
    ({"gateway": {"resources": {"limits": {"memory": None}}}}, "memory"),
    ({"gateway": {"httpRoute": {"parentRefs": []}}}, "parentRefs"),
    ({"user-service": {"mailFrom": ""}}, "mailFrom"),
    ({"user-service": {"bcryptCost": 4}}, "bcryptCost"),
    ({"global": {"secrets": {"mode": "plain"}}}, "is needed with global.secrets.mode=plain"),
    ({"global": {"secrets": {"mode": "external"}}}, "store.name is needed"),
]
# The service behind a PostgreSQL, Redis … address of a program, by the setting's name.
ENDPOINTS = {
    "DATABASE_URL": "postgresql",
    "REDIS_URL": "redis",
    "AMQP_URL": "rabbitmq",
    "TEMPORAL_URL": "temporal",
    "SMTP_URL": "smtp",
    "OTLP_ENDPOINT": "otlp",
}

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def load(path):
    return yaml.safe_load(path.read_text())


def merged(base, over):
    """`over` on `base`, as Helm merges values."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}


class Charts:
    """Copies of the charts with their dependencies in place."""

    def __init__(self, source, work):
        self.directory = work / "charts"
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(source, self.directory)
        for name in [*SERVICES, "haushavn"]:
            helm.dependency_update(self.directory / name)

    def render(self, name, values, namespace="haushavn", release=None):
        with helm.Chart.load(self.directory / name) as chart:
            rendered = chart.render(values, name=release or name, namespace=namespace, is_install=True)
        return "".join(
            f"# {path}\n{text.strip()}\n"
            for path, text in sorted(rendered.items())
            if text.strip() and path.endswith(".yaml")
        )


# --- schemas of values --------------------------------------------------------------------------------------------


def closed(properties, definitions):
    """A JSON schema that takes these properties alone; subcharts' names are filled in by Helm."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$defs": definitions,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def value_schemas(source):
    page = load(source / "values.schema.yaml")
    definitions = page["$defs"]
    common = {"global": {"$ref": "#/$defs/global"}, "haushavn-lib": {"type": "object"}, "enabled": {"type": "boolean"}}
    schemas = {
        name: closed({**common, **page["service"], **page["charts"][name]}, definitions) for name in SERVICES
    }
    # The umbrella gets the defaults of the library as well, because its own templates read `global`.
    services = {name: {"type": "object"} for name in SERVICES}
    schemas["haushavn"] = closed({**common, **page["service"], **page["umbrella"], **services}, definitions)
    return schemas


def check_value_schemas(source, write):
    for name, schema in value_schemas(source).items():
        path = source / name / "values.schema.json"
        text = json.dumps(schema, indent=2) + "\n"
        if write:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            problem(path.name, f"of {name} is not what helm/values.schema.yaml says: scripts/charts --write")


# --- what is rendered ---------------------------------------------------------------------------------------------


def pods(documents):
    """Every pod template with the object that makes it."""
    for document in documents:
        if document["kind"] == "Deployment":
            yield document, document["spec"]["template"]
        elif document["kind"] == "Job":
            yield document, document["spec"]["template"]
        elif document["kind"] == "CronJob":
            yield document, document["spec"]["jobTemplate"]["spec"]["template"]


def matches(selector, labels):
    if selector.get("matchExpressions"):
        raise ValueError("matchExpressions are not understood here")
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def check_pod(where, pod):
    spec = pod["spec"]
    security = spec.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or security.get("runAsUser", 0) < 10000:
        problem(where, "does not run as a high user id that is not root")
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        problem(where, "has no seccomp profile")
    if spec.get("automountServiceAccountToken") is not False:
        problem(where, "gets a token of the API server")
    if spec.get("serviceAccountName", "default") == "default":
        problem(where, "uses the namespace's default service account")
    for field in ["hostNetwork", "hostPID", "hostIPC"]:
        if spec.get(field):
            problem(where, f"sets {field}")
    for volume in spec.get("volumes", []):
        if "hostPath" in volume:
            problem(where, f"mounts the node's path {volume['hostPath']}")
    for container in spec.get("initContainers", []) + spec["containers"]:
        check_container(f"{where}/{container['name']}", container)


def check_container(where, container):
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False:
        problem(where, "may gain privileges")
    if security.get("readOnlyRootFilesystem") is not True:
        problem(where, "may write its root file system")
    if security.get("capabilities", {}).get("drop") != ["ALL"] or security["capabilities"].get("add"):
        problem(where, "keeps capabilities")
    resources = container.get("resources", {})
    for kind, name in [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")]:
        if name not in resources.get(kind, {}):
            problem(where, f"has no {kind}.{name}")
    if not re.search(r"(@sha256:[0-9a-f]{64}|:[^:/]+)$", container["image"]) or container["image"].endswith(":latest"):
        problem(where, f"runs {container['image']}, which names no version")
    names = [variable["name"] for variable in container.get("env", [])]
    for name in {name for name in names if names.count(name) > 1}:
        problem(where, f"sets {name} twice")
    for position, variable in enumerate(container.get("env", [])):
        for used in re.findall(r"\$\((\w+)\)", variable.get("value", "")):
            if used not in names[:position]:
                problem(where, f"{variable['name']} uses {used}, which is not set before it")


def check_deployment(where, deployment, documents):
    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"]
    spec = template["spec"]
    container = spec["containers"][0]
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
        wanted = "http" if container["name"] == "web" else "admin"
        if container.get(probe, {}).get("httpGet", {}).get("port") != wanted:
            problem(where, f"has no {probe} on the port {wanted}")
    pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if pause < 1:
        problem(where, "stops before balancers know of it: no preStop")
    if spec.get("terminationGracePeriodSeconds", 30) < pause + SHUTDOWN_SECONDS + 5:
        problem(where, "is killed before requests under way end")
    if not matches(deployment["spec"]["selector"], labels):
        problem(where, "does not select its own pods")
    if deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] != 0:
        problem(where, "has fewer pods than it should during a roll-out")
    budgets = [b for b in of_kind(documents, "PodDisruptionBudget") if matches(b["spec"]["selector"], labels)]
    if len(budgets) != 1:
        problem(where, f"has {len(budgets)} PodDisruptionBudgets")
    keys = {constraint["topologyKey"] for constraint in spec.get("topologySpreadConstraints", [])}
    if keys != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
        problem(where, "is not spread over zones and nodes")
    name = deployment["metadata"]["name"]
    scalers = [
        document
        for document in of_kind(documents, "HorizontalPodAutoscaler") + of_kind(documents, "ScaledObject")
        if document["spec"]["scaleTargetRef"]["name"] == name
    ]
    if ("replicas" in deployment["spec"]) == bool(scalers) or len(scalers) > 1:
        problem(where, "needs either a number of replicas or one autoscaler")
    services = [s for s in of_kind(documents, "Service") if s["spec"]["selector"].items() <= labels.items()]
    if len(services) != 1:
        problem(where, f"has {len(services)} Services")
        return
    ports = {port["name"] for port in container["ports"]}
    for port in services[0]["spec"]["ports"]:
        if port["targetPort"] not in ports:
            problem(where, f"has no port {port['targetPort']}")


def check_selectors(where, documents):
    """No object selects pods of two programs, and none selects nothing."""
    labels = [pod["metadata"]["labels"] for _, pod in pods(documents)]
    for document in documents:
        if document["kind"] == "Service":
            selector = {"matchLabels": document["spec"]["selector"]}
        elif document["kind"] == "PodDisruptionBudget":
            selector = document["spec"]["selector"]
        elif document["kind"] == "NetworkPolicy" and document["spec"]["podSelector"]:
            selector = document["spec"]["podSelector"]
        else:
            continue
        found = {candidate["app.kubernetes.io/name"] for candidate in labels if matches(selector, candidate)}
        if len(found) != 1:
            problem(f"{where}: {document['kind']} {document['metadata']['name']}", f"selects {sorted(found)}")
    for monitor in of_kind(documents, "ServiceMonitor"):
        found = [
            service
            for service in of_kind(documents, "Service")
            if matches(monitor["spec"]["selector"], service["metadata"]["labels"])
        ]
        ports = {port["name"] for service in found for port in service["spec"]["ports"]}
        if len(found) != 1 or not {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports:
            problem(f"{where}: ServiceMonitor {monitor['metadata']['name']}", "does not find its Service and ports")


# --- network policies: exactly the needed ways ----------------------------------------------------------------------


def addresses(pod):
    """What a pod's settings make it call: services by name, and endpoints by kind with their port."""
    services, endpoints = set(), set()
    for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
        for variable in container.get("env", []):
            name, value = variable["name"], variable.get("value", "")
            internal = re.match(r"http://[a-z0-9-]+?-((?:\w+-service)|workflow-worker|gateway):8080", value)
            if internal:
                services.add(internal[1])
                continue
            for ending, kind in ENDPOINTS.items():
                if name.startswith("HAUSHAVN_") and name.endswith(ending):
                    port = re.search(r":(\d+)(?:/|$)", value)
                    endpoints.add((kind, int(port[1]) if port else None))
            if name == "PGPORT":
                endpoints.add(("postgresql", int(value)))
            if name == "MANAGEMENT_URL":
                endpoints.add(("rabbitmq", int(value.rsplit(":", 1)[1])))
    return services, endpoints


def policies_of(documents, labels):
    return [
        policy
        for policy in of_kind(documents, "NetworkPolicy")
        if policy["spec"]["podSelector"] and matches(policy["spec"]["podSelector"], labels)
    ]


def is_service_peer(peer):
    return set(peer) == {"podSelector"} and "app.kubernetes.io/name" in peer["podSelector"].get("matchLabels", {})


def check_network(where, documents, values, extra, whole):
    templates = {pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod for _, pod in pods(documents)}
    calls = {name: addresses(pod)[0] for name, pod in templates.items()}
    for name, pod in templates.items():
        policies = policies_of(documents, pod["metadata"]["labels"])
        if len(policies) != 1 or set(policies[0]["spec"]["policyTypes"]) != {"Ingress", "Egress"}:
            problem(f"{where}: {name}", f"has {len(policies)} network policies that bound both directions")
            continue
        services, endpoints = addresses(pod)
        if not services and not endpoints:
            problem(f"{where}: {name}", "calls nobody, as far as this test understands")
        rules = policies[0]["spec"].get("egress", [])[: len(policies[0]["spec"].get("egress", [])) - extra.get(name, 0)]
        allowed = {
            peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
            for rule in rules
            for peer in rule.get("to", [])
            if is_service_peer(peer)
        }
        if allowed != services:
            problem(f"{where}: {name}", f"may call {sorted(allowed)}, and calls {sorted(services)}")
        ports = {
            port["port"]
            for rule in rules
            if not any(is_service_peer(peer) for peer in rule.get("to", []))
            for port in rule["ports"]
        }
        needed = {53} | {port or values["global"][kind]["port"] for kind, port in endpoints}
        if ports != needed:
            problem(f"{where}: {name}", f"may reach the ports {sorted(ports)}, and needs {sorted(needed)}")
        callers = {caller for caller, called in calls.items() if name in called}
        admitted = {
            peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
            for rule in policies[0]["spec"].get("ingress", [])
            for peer in rule.get("from", [])
            if is_service_peer(peer)
        }
        if whole and admitted != callers:
            problem(f"{where}: {name}", f"admits {sorted(admitted)}, and is called by {sorted(callers)}")
        for rule in policies[0]["spec"].get("ingress", []):
            if not rule.get("from"):
                problem(f"{where}: {name}", "admits everybody")


# --- secrets and hooks ----------------------------------------------------------------------------------------------


def references(pod):
    """Names of Secrets, ConfigMaps and the account that a pod needs, with the keys of Secrets."""
    spec = pod["spec"]
    for container in spec.get("initContainers", []) + spec["containers"]:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            if source:
                yield "Secret", source["name"], source["key"]
    for volume in spec.get("volumes", []):
        if "secret" in volume:
            for item in volume["secret"].get("items", [{"key": None}]):
                yield "Secret", volume["secret"]["secretName"], item["key"]
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"], None
    yield "ServiceAccount", spec["serviceAccountName"], None


def annotation(document, name):
    return document["metadata"].get("annotations", {}).get(f"helm.sh/{name}")


def check_references(where, documents, made):
    """What pods refer to is rendered, with its keys, or made by make-secrets; and there before a hook needs it."""
    rendered = {}
    for document in documents:
        kind = "Secret" if document["kind"] == "ExternalSecret" else document["kind"]
        rendered[kind, document["metadata"]["name"]] = document
    used = {}
    for owner, pod in pods(documents):
        for kind, name, key in references(pod):
            what = f"{kind} {name}" + (f", key {key}" if key else "")
            found = rendered.get((kind, name))
            if found is None:
                if (kind, name) not in made and name != "haushavn-ca":
                    problem(f"{where}: {owner['metadata']['name']}", f"needs {what}, which nobody makes")
                elif key and key not in made[kind, name]:
                    problem(f"{where}: {owner['metadata']['name']}", f"needs {what}: make-secrets makes no such key")
                continue
            keys = found.get("stringData") or {d["secretKey"]: 1 for d in found.get("spec", {}).get("data", [])}
            if kind == "Secret" and key and key not in keys:
                problem(f"{where}: {owner['metadata']['name']}", f"needs {what}: it is not rendered")
            if kind == "Secret" and key:
                used.setdefault(name, set()).add(key)
            if owner["kind"] == "Job":
                weights = [int(annotation(document, "hook-weight") or 10**6) for document in (found, owner)]
                if weights[0] >= weights[1]:
                    problem(f"{where}: {owner['metadata']['name']}", f"runs before there is {what}")
    for (kind, name), document in rendered.items():
        if kind == "Secret" and not name.endswith("bootstrap"):
            keys = document.get("stringData") or {d["secretKey"]: 1 for d in document["spec"]["data"]}
            unused = set(keys) - used.get(name, set())
            if unused:
                problem(f"{where}: Secret {name}", f"has keys that no pod reads: {sorted(unused)}")


def made_secrets(repository):
    """What make-secrets makes: its keys by kind and name."""
    output = subprocess.run(
        [repository / "deploy/kubernetes/make-secrets", "smtps://user:it's@mail.example.com"],
        check=True, capture_output=True, text=True,
    ).stdout
    return {
        (document["kind"], document["metadata"]["name"]): document.get("stringData") or document["data"]
        for document in yaml.safe_load_all(output)
    }


def check_roles(repository):
    """The bootstrap Job sets a password for each role that logs in, and no other."""
    sql = (repository / "migrations/bootstrap/01_roles.sql").read_text()
    needed = set(re.findall(r":'(\w+)_password'", sql))
    template = (repository / "helm/haushavn/templates/_bootstrap.tpl").read_text()
    given = set(re.search(r'"haushavn.roles" -}}\n(.*)\n', template)[1].split())
    if needed != given:
        problem("haushavn.roles", f"differs from 01_roles.sql by {sorted(needed ^ given)}")


# --- Kubernetes' own schemas, snapshots -------------------------------------------------------------------------------

BUILT_IN = {"v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1", "networking.k8s.io/v1"}


def check_schemas(where, documents):
    checked = 0
    for document in documents:
        if document["apiVersion"] not in BUILT_IN:
            continue
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(copy.deepcopy(document), version, strict=True)
                checked += 1
            except kubernetes_validate.ValidationError as error:
                path = ".".join(str(part) for part in error.path)
                problem(f"{where}: {document['kind']} {document['metadata']['name']}", f"{version}: {path}: {error.message}")
    return checked


def snapshot(documents):
    """What was rendered, sorted; long texts as their hash, since they are files of this repository."""
    documents = copy.deepcopy(documents)
    for document in documents:
        for key, text in (document.get("data") or {}).items() if document["kind"] == "ConfigMap" else []:
            if "\n" in text:
                document["data"][key] = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        if document["kind"] == "PrometheusRule":
            digest = hashlib.sha256(json.dumps(document["spec"], sort_keys=True).encode()).hexdigest()
            document["spec"] = "sha256:" + digest
    documents.sort(key=lambda document: (document["kind"], document["metadata"]["name"]))
    return yaml.safe_dump_all(documents, sort_keys=False, width=120)


def check_snapshot(path, text, write):
    if write:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return
    before = path.read_text() if path.exists() else ""
    if before != text:
        lines = list(difflib.unified_diff(before.splitlines(), text.splitlines(), str(path), "rendered", lineterm="", n=2))
        problem(path.name, "what is rendered has changed; when it should have: scripts/charts --write\n" + "\n".join(lines[:60]))


def judge(where, documents, values, made, extra, whole):
    for owner, pod in pods(documents):
        name = f"{where}: {owner['kind']} {owner['metadata']['name']}"
        check_pod(name, pod)
        if owner["kind"] == "Deployment":
            check_deployment(name, owner, documents)
        elif "activeDeadlineSeconds" not in (owner["spec"].get("jobTemplate", {}).get("spec") or owner["spec"]):
            problem(name, "may run for ever")
    check_selectors(where, documents)
    check_network(where, documents, values, extra, whole)
    check_references(where, documents, made)
    seen = set()
    for document in documents:
        identity = document["apiVersion"], document["kind"], document["metadata"]["name"]
        if identity in seen:
            problem(where, f"{identity} is rendered twice")
        seen.add(identity)
        if document["metadata"].get("namespace") != "haushavn":
            problem(where, f"{identity} names no namespace")


def check_refusals(charts, base):
    for values, expected in REFUSED:
        try:
            charts.render("haushavn", merged(base, values))
            problem("values", f"{json.dumps(values)} is taken")
        except helm.HelmError as error:
            if expected not in str(error):
                problem("values", f"{json.dumps(values)} is refused without naming {expected}: {str(error)[:300]}")


def main():
    repository, work, node, modules = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    write = "--write" in sys.argv
    source = repository / "helm"
    check_value_schemas(source, write)
    charts = Charts(source, work)
    rendered_directory = work / "rendered"
    shutil.rmtree(rendered_directory, ignore_errors=True)
    rendered_directory.mkdir(parents=True)
    made = made_secrets(repository)
    check_roles(repository)
    library = load(source / "haushavn-lib/values.yaml")["exports"]["defaults"]
    scenarios = sorted((source / "haushavn/scenarios").glob("*.yaml"))
    custom, schemas, objects = [], 0, 0
    cases = []
    for path in scenarios:
        values = load(path)
        if path.stem == "alone":
            for name in SERVICES:
                own = merged(values, {"mailFrom": "haushavn@example.com"}) if name == "user-service" else values
                cases.append((f"alone-{name}", name, own))
        else:
            cases.append((path.stem, "haushavn", values))
    # The new version beside the present one, as a rollout installs it.
    beside = merged(load(source / "haushavn/scenarios/mesh.yaml"), load(repository / "deploy/kubernetes/next.yaml"))
    cases.append(("next", "haushavn", beside))
    for where, chart, values in cases:
        text = charts.render(chart, values, release="haushavn-next" if where == "next" else None)
        (rendered_directory / f"{where}.yaml").write_text(text)
        documents = [document for document in yaml.safe_load_all(text) if document]
        extra = {name: len((values.get(name) or {}).get("networkPolicy", {}).get("extraEgress", [])) for name in SERVICES}
        judge(where, documents, merged(library, values), made, extra, chart == "haushavn")
        schemas += check_schemas(where, documents)
        objects += len(documents)
        custom += [document for document in documents if document["apiVersion"] not in BUILT_IN]
        if chart == "haushavn":
            check_snapshot(source / "snapshots" / f"{where}.yaml", snapshot(documents), write)
        for line in helm.lint(charts.directory / chart, values, strict=True, kube_version="v1.37.0")["messages"]:
            if line["severity"] >= 2:
                problem(f"{where}: lint", f"{line['path']}: {line['error']}")
    for left in (source / "snapshots").glob("*.yaml"):
        if left.stem not in {where for where, chart, _ in cases if chart == "haushavn"}:
            problem(left.name, "is a snapshot of no scenario")
    check_refusals(charts, load(source / "haushavn/scenarios/mesh.yaml"))
    result = subprocess.run(
        [node, repository / "scripts/lib/custom_resources.mjs", modules],
        input="".join(json.dumps(document) + "\n" for document in custom), capture_output=True, text=True,
    )
    if result.returncode:
        problem("custom resources", result.stderr.strip())
    print(f"{len(cases)} renderings of {len(scenarios)} scenarios, {objects} objects, {schemas} validations by the "
          f"schemas of Kubernetes {' and '.join(KUBERNETES)}; {result.stdout.strip()}; {len(REFUSED)} wrong values refused")
    for line in problems:
        print(f"error: {line}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
