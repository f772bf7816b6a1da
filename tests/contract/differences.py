"""Where the embedded server differs from a real one, and stays so: a row each, with its reason and its requests.

`python -m tests.contract.differences` sends them to both servers, and writes what they answered on the contract's page.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from informers.testing import ControlPlane
from tests.contract.server import STREAM, Server, embedded_server
from tests.contract.smallest_objects import EXAMPLES, POD, WORKLOAD, Json
from tests.widgets import definition, with_spec

__all__ = ["DIFFERENCES", "EXTRA_METADATA", "PAGE", "with_list"]

PAGE = Path(__file__).parents[2] / "docs/explanation/contract.md"
BEGIN, END = "% What follows is made by python -m tests.contract.differences.\n", "% Until here.\n"

#: Metadata that the real server alone sets, by the plural of the kind.
EXTRA_METADATA = {
    "persistentvolumes": "finalizers",
    "persistentvolumeclaims": "finalizers",
    "daemonsets": "annotations",
}

#: What requests have that are not plain.
HEADERS = {
    "PATCH": {"Content-Type": "application/merge-patch+json"},
    "POST protobuf": {"Content-Type": "application/vnd.kubernetes.protobuf"},
    "GET elsewhere": {"Host": "example.com"},
    "GET table": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
    "GET all": {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"},
}

Step = tuple[str, str] | tuple[str, str, Any]


@attrs.frozen
class Difference:
    """One difference.

    Attributes:
        what: it is, in the page's words, with the reason.
        look: at which field of the last answer; `code` is its status, `lines` how many it has.
        steps: method, path and body of each request; `NS` stands for a namespace of its own.
        schemas: of the spec in each version of `widgets.NS.example.com`, where the requests need it.
    """

    what: str
    look: str
    steps: tuple[Step, ...]
    schemas: tuple[Json, ...] = ()

    def prepare(self, server: Server, namespace: str) -> None:
        """Create the namespace and the definition. The real server has the first write to one wait for two seconds."""
        server.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        if self.schemas:
            server.api.create(definition("Widget", *map(with_spec, self.schemas), group=f"{namespace}.example.com"))

    def seen(self, server: Server, namespace: str) -> str:
        """Send the requests; return the value of the field in the last answer, as the page shows it."""
        answer: Any = None
        for step in self.steps:
            method, path, body = json.loads(json.dumps([*step, None][:3]).replace("NS", namespace))
            if method == "WATCH":
                with server.watch(path, **STREAM) as watch:
                    answer = watch.event()[1]
            else:
                sent = server.send(method.split()[0], path, body, headers=HEADERS.get(method, {}))
                if self.look == "code":
                    answer = {"code": sent.status}
                elif self.look == "lines":
                    answer = {"lines": len(sent.raw.splitlines())}
                else:
                    answer = sent.json()
        for field in self.look.split("."):
            if field == "alg":  # of a token
                head = answer.partition(".")[0]
                answer = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
            found = dict(enumerate(answer)) if isinstance(answer, list) else answer
            key = int(field) if field.isdigit() else field
            if key not in found:
                return "nothing"
            answer = found[key]
        text = json.dumps(answer, ensure_ascii=False)
        return f"`{text}`" if len(text) < 80 else f"`{text[:60]}…`"


def at(plural: str, api: str = "/api/v1") -> str:
    return f"{api}/namespaces/NS/{plural}"


APPS, BATCH = "/apis/apps/v1", "/apis/batch/v1"


def named(**fields: Any) -> Json:
    return {"metadata": {"name": "a"}, **fields}


def widget(spec: Json, version: str = "v1", **metadata: Any) -> Step:
    path = at("widgets", f"/apis/NS.example.com/{version}")
    kind = {"apiVersion": f"NS.example.com/{version}", "kind": "Widget"}
    return ("POST", path, {**kind, "metadata": {"name": "a", **metadata}, "spec": spec})


def property_of(name: str) -> Json:
    return {"properties": {name: {"type": "string"}}}


def smallest(resource: str) -> tuple[Step]:
    api, _, plural = resource.rpartition("/")
    path = resource if plural == "persistentvolumes" else at(plural, api)
    return (("POST", path, {"metadata": {"name": "NS"}, **EXAMPLES[resource][0]}),)


LIST_MAP = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "required": ["k"], **property_of("k")},
}
EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
JOB = named(spec={"template": {"spec": {**POD, "restartPolicy": "Never"}}})
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

DIFFERENCES = (
    Difference(
        "It validates metadata, custom resources by their schemas, definitions as far as they could not be served, "
        "containers, selectors against their templates, and immutable fields. Of other values only the type: "
        "controllers seldom meet their refusals.",
        "code",
        (("POST", at("services"), named(spec={"ports": [{"port": -1}]})),),
    ),
    Difference(
        "Kinds that controllers use less have no defaults. Those that have them are named below.",
        "preemptionPolicy",
        (("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "NS"}, "value": 1}),),
    ),
    Difference(
        "A strategy of which only the type is given is not completed: its defaults depend on the type.",
        "spec.strategy.rollingUpdate",
        (("POST", at("deployments", APPS), named(spec={**WORKLOAD, "strategy": {"type": "RollingUpdate"}})),),
    ),
    Difference(
        "Volumes get no finalizer: nobody would take it off again.",
        "metadata.finalizers",
        smallest("/api/v1/persistentvolumes"),
    ),
    Difference("Claims neither.", "metadata.finalizers", smallest("/api/v1/persistentvolumeclaims")),
    Difference(
        "Daemon sets get no annotation of their generation, which is deprecated.",
        "metadata.annotations",
        smallest("/apis/apps/v1/daemonsets"),
    ),
    Difference(
        "Empty lists and maps are kept: which a type leaves out is not in the official client's models.",
        "spec.egress",
        (
            (
                "POST",
                at("networkpolicies", "/apis/networking.k8s.io/v1"),
                named(spec={"podSelector": {}, "egress": []}),
            ),
        ),
    ),
    Difference(
        "Rules in CEL (`x-kubernetes-validations`) are not run: there is no small library for it.",
        "code",
        (widget({}),),
        ({"x-kubernetes-validations": [{"rule": "false"}], **property_of("a")},),
    ),
    Difference(
        "An embedded object need not say its kind.",
        "code",
        (widget({"o": {"a": 1}}),),
        ({"properties": {"o": EMBEDDED}},),
    ),
    Difference(
        "List types are not looked at: two items may have one key.",
        "code",
        (widget({"l": [{"k": "a"}, {"k": "a"}]}),),
        ({"properties": {"l": LIST_MAP}},),
    ),
    Difference(
        "Objects are not pruned again when they are read in another version: fields that one version alone has stay.",
        "spec",
        (
            widget({"two": "x"}, "v2"),
            ("GET", at("widgets/a", "/apis/NS.example.com/v1")),
        ),
        (property_of("one"), property_of("two")),
    ),
    Difference(
        "`managedFields` can't be cleared, and of few lists and maps it is known that they are one value.",
        "metadata.managedFields.0.operation",
        (
            ("POST", at("configmaps"), named(data={"k": "v"})),
            ("PATCH", at("configmaps/a"), {"metadata": {"managedFields": [{}]}}),
        ),
    ),
    Difference(
        "A write of a status changes nothing else. A real one takes some metadata of built-in kinds.",
        "metadata.labels",
        (
            ("POST", at("pods"), named(spec=POD)),
            ("PATCH", at("pods/a/status"), {"metadata": {"labels": {"a": "b"}}}),
        ),
    ),
    Difference(
        "A Job goes at once. A real one waits for a controller to orphan its pods.",
        "code",
        (
            ("POST", at("jobs", BATCH), JOB),
            ("DELETE", at("jobs/a", BATCH)),
            ("GET", at("jobs/a", BATCH)),
        ),
    ),
    Difference(
        "A definition that is deleted takes its objects along at once. A real one waits for their finalizers.",
        "code",
        (
            widget({}, finalizers=["example.com/held"]),
            ("DELETE", f"{DEFINITIONS}/widgets.NS.example.com"),
            ("GET", f"{DEFINITIONS}/widgets.NS.example.com"),
        ),
        ({},),
    ),
    Difference(
        "Events of `v1` and of `events.k8s.io/v1` are two collections: no fields are converted.",
        "code",
        (
            (
                "POST",
                at("events"),
                named(involvedObject={"kind": "Pod", "name": "p", "namespace": "NS"}),
            ),
            ("GET", at("events/a", "/apis/events.k8s.io/v1")),
        ),
    ),
    Difference(
        "A bookmark of most kinds holds metadata alone. A real one's has the zero values of its kind.",
        "spec",
        (("WATCH", at("services")),),
    ),
    Difference(
        "A token of a service account can be read, but nobody has signed it, and it lets nobody in.",
        "status.token.alg",
        (
            ("POST", at("serviceaccounts"), named()),
            ("POST", at("serviceaccounts/a/token"), {"spec": {}}),
        ),
    ),
    Difference(
        "A certificate request is not looked into.",
        "code",
        (
            (
                "POST",
                "/apis/certificates.k8s.io/v1/certificatesigningrequests",
                {
                    "metadata": {"name": "csr-NS"},
                    "spec": {"request": "aGk=", "signerName": "example.com/s", "usages": ["digital signature"]},
                },
            ),
        ),
    ),
    Difference(
        "It speaks JSON, and YAML where it is given some. No protobuf, so no `kubectl create KIND`.",
        "code",
        (("POST protobuf", at("configmaps"), "k8s"),),
    ),
    Difference(
        "Discovery has a document for each group, and never one for all: clients fall back to these.",
        "kind",
        (("GET all", "/apis"),),
    ),
    Difference(
        "A table, as kubectl shows it, has only name and age for kinds other than pods and config maps.",
        "columnDefinitions.1.name",
        (("GET table", "/api/v1/namespaces"),),
    ),
    Difference(
        "Nothing answers for `log`, `exec`, `attach`, `portforward` and `proxy`: no pod runs.",
        "code",
        (("POST", at("pods"), named(spec=POD)), ("GET", at("pods/a/log"))),
    ),
    Difference(
        "A new one has four namespaces, and nothing else: no service `kubernetes`, roles, priority classes or levels.",
        "code",
        (("GET", "/api/v1/namespaces/default/services/kubernetes"),),
    ),
    Difference("No `pretty`.", "lines", (("GET", f"{at('configmaps/none')}?pretty=true"),)),
    Difference(
        "It answers requests to 127.0.0.1 and localhost alone: no page in a browser can reach it.",
        "code",
        (("GET elsewhere", "/api/v1/namespaces"),),
    ),
    Difference(
        "It serves alpha and beta versions. A real one has them off by default.",
        "code",
        (("GET", "/apis/admissionregistration.k8s.io/v1alpha1"),),
    ),
)

_numbers = itertools.count(1)


def rows(servers: tuple[Server, Server]) -> Iterator[str]:
    with_names = [(difference, f"differs-{next(_numbers)}") for difference in DIFFERENCES]
    for (difference, namespace), server in itertools.product(with_names, servers):
        difference.prepare(server, namespace)
    for difference, namespace in with_names:
        ours, theirs = (difference.seen(server, namespace) for server in servers)
        assert ours != theirs, f"no difference any more: {difference.what} Both have {ours}."
        field = "status code" if difference.look == "code" else f"`{difference.look}`"
        yield f"| {difference.what} | {field} | {ours} | {theirs} |\n"


def with_list(page: str, servers: tuple[Server, Server]) -> str:
    """Return the page with the list of what both servers answered."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    head = "| Difference | Seen at | `APIServer` | Real |\n|---|---|---|---|\n"
    kinds = ", ".join(f"`{resource.rpartition('/')[2]}`" for resource in EXAMPLES)
    return f"{before}{BEGIN}\n{head}{''.join(rows(servers))}\nKinds with defaults: {kinds}.\n\n{END}{after}"


def main() -> None:
    with embedded_server() as embedded, ControlPlane() as plane:
        servers = Server(embedded), Server(plane)
        PAGE.write_text(with_list(PAGE.read_text(encoding="utf-8"), servers), encoding="utf-8")


if __name__ == "__main__":
    main()
