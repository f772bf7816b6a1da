"""Twenty custom resources that clusters have, each cut down to what its public definition has of every sort of rule.

Written after those of cert-manager, Prometheus' operator, Argo, Gateway API, Crossplane, Knative, Flux, Istio, Cilium,
KEDA, External Secrets, Velero and Strimzi.
"""

from __future__ import annotations

from typing import Any

import attrs

Json = dict[str, Any]

__all__ = ["PUBLIC", "Public"]

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
LABELS: Json = {"type": "object", "additionalProperties": TEXT}
INTEGER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
ANYTHING: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
EITHER: Json = {"x-kubernetes-int-or-string": True, "anyOf": [INTEGER, TEXT]}
DURATION: Json = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"}


def fields(*required: str, **properties: Json) -> Json:
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


def many(item: Json, **rules: Any) -> Json:
    return {"type": "array", "items": item, **rules}


def word(*words: str, **rules: Any) -> Json:
    return {"type": "string", "enum": list(words), **rules}


def number(**rules: Any) -> Json:
    return {"type": "integer", **rules}


CONDITION = fields(
    *("lastTransitionTime", "message", "reason", "status", "type"),
    lastTransitionTime={"type": "string", "format": "date-time"},
    message={"type": "string", "maxLength": 32768},
    observedGeneration=number(format="int64", minimum=0),
    reason={"type": "string", "minLength": 1, "maxLength": 1024},
    status=word("True", "False", "Unknown"),
    type=TEXT,
)
CONDITIONS = many(CONDITION, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]})
STATUS = fields(conditions=CONDITIONS, observedGeneration=number(format="int64"))
SELECTOR = fields(
    matchLabels=LABELS,
    matchExpressions=many(fields("key", "operator", key=TEXT, operator=TEXT, values=TEXTS)),
)


@attrs.frozen(kw_only=True)
class Public:
    """A definition, and objects of it.

    Attributes:
        group: of the API.
        versions: served ones, the stored one first.
        kind: of the objects.
        plural: in paths.
        spec: schema.
        status: schema; None where status is no subresource.
        good: specs that are taken.
        bad: a spec that is refused.
        is_cluster: without namespaces.
        scale: the subresource.
        required: of the object itself.
    """

    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str
    spec: Json
    good: tuple[Json, ...]
    bad: Any
    status: Json | None = STATUS
    is_cluster: bool = False
    scale: Json | None = None
    required: tuple[str, ...] = ("spec",)

    @property
    def api_version(self) -> str:
        """Of the stored version."""
        return f"{self.group}/{self.versions[0]}"

    def path(self, namespace: str, version: str = "") -> str:
        """Return where the objects are."""
        root = f"/apis/{self.group}/{version or self.versions[0]}"
        return f"{root}/{self.plural}" if self.is_cluster else f"{root}/namespaces/{namespace}/{self.plural}"

    def definition(self) -> Json:
        """Return the CustomResourceDefinition."""
        top: Json = {"apiVersion": TEXT, "kind": TEXT, "metadata": {"type": "object"}, "spec": self.spec}
        subresources: Json = {} if self.status is None else {"status": {}}
        if self.status is not None:
            top["status"] = self.status
        if self.scale is not None:
            subresources["scale"] = self.scale
        versions = [
            {
                "name": name,
                "served": True,
                "storage": name == self.versions[0],
                "schema": {"openAPIV3Schema": fields(*self.required, **top)},
                "subresources": subresources,
            }
            for name in self.versions
        ]
        names = {
            "kind": self.kind,
            "plural": self.plural,
            "singular": self.kind.lower(),
            "listKind": f"{self.kind}List",
        }
        scope = "Cluster" if self.is_cluster else "Namespaced"
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{self.plural}.{self.group}",
                "annotations": {"api-approved.kubernetes.io": "https://example.com"} if ".k8s.io" in self.group else {},
            },
            "spec": {"group": self.group, "scope": scope, "names": names, "versions": versions},
        }


ISSUER_REF = fields("name", group=TEXT, kind=TEXT, name=TEXT)
PARENT_REF = fields(
    "name",
    group={"type": "string", "default": "gateway.networking.k8s.io", "maxLength": 253},
    kind={
        "type": "string",
        "default": "Gateway",
        "minLength": 1,
        "maxLength": 63,
        "pattern": "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
    },
    name={"type": "string", "minLength": 1, "maxLength": 253},
    namespace=TEXT,
    port=number(format="int32", minimum=1, maximum=65535),
)
PATH_MATCH = {
    **fields(
        type=word("Exact", "PathPrefix", "RegularExpression", default="PathPrefix"),
        value={"type": "string", "default": "/", "maxLength": 1024},
    ),
    "default": {"type": "PathPrefix", "value": "/"},
}
BACKEND = fields(
    "name",
    group={"type": "string", "default": ""},
    kind={"type": "string", "default": "Service"},
    name={"type": "string", "minLength": 1},
    port=number(format="int32", minimum=1, maximum=65535),
    weight=number(format="int32", minimum=0, maximum=1000000, default=1),
)
SOURCE_REF = fields(
    *("kind", "name"),
    apiVersion=TEXT,
    kind=word("OCIRepository", "GitRepository", "Bucket"),
    name=TEXT,
    namespace=TEXT,
)
KNATIVE_CONTAINER = fields(
    args=TEXTS,
    env=many(
        fields("name", name=TEXT, value=TEXT),
        **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    ),
    image=TEXT,
    ports=many(
        fields(
            "containerPort",
            containerPort=number(format="int32"),
            name=TEXT,
            protocol={"type": "string", "default": "TCP"},
        )
    ),
    resources=fields(limits={"type": "object", "additionalProperties": {**EITHER, "pattern": r"^[0-9]+(m|Mi|Gi)?$"}}),
)

PUBLIC = (
    Public(
        group="cert-manager.io",
        versions=("v1",),
        kind="Certificate",
        plural="certificates",
        spec=fields(
            *("issuerRef", "secretName"),
            dnsNames=TEXTS,
            duration=TEXT,
            isCA=FLAG,
            issuerRef=ISSUER_REF,
            privateKey=fields(
                algorithm=word("RSA", "ECDSA", "Ed25519"),
                rotationPolicy=word("Never", "Always"),
                size=INTEGER,
            ),
            revisionHistoryLimit=number(format="int32", minimum=1),
            secretName=TEXT,
            usages=many(word("signing", "digital signature", "server auth", "client auth")),
        ),
        good=(
            {"secretName": "tls", "issuerRef": {"name": "ca"}},
            {
                "secretName": "tls",
                "issuerRef": {"name": "ca", "kind": "ClusterIssuer"},
                "dnsNames": ["a.example.com"],
                "privateKey": {"algorithm": "ECDSA", "size": 256, "unknown": 1},
                "usages": ["server auth"],
            },
        ),
        bad={"secretName": "tls", "issuerRef": {}, "privateKey": {"algorithm": "DSA"}},
    ),
    Public(
        group="cert-manager.io",
        versions=("v1",),
        kind="ClusterIssuer",
        plural="clusterissuers",
        is_cluster=True,
        spec=fields(
            acme=fields(
                *("privateKeySecretRef", "server"),
                email=TEXT,
                privateKeySecretRef=fields("name", key=TEXT, name=TEXT),
                server=TEXT,
                solvers=many(fields(http01=fields(ingress=fields(ingressClassName=TEXT)), selector=SELECTOR)),
            ),
            selfSigned=fields(crlDistributionPoints=TEXTS),
        ),
        good=(
            {"selfSigned": {}},
            {
                "acme": {
                    "server": "https://acme.example.com",
                    "privateKeySecretRef": {"name": "k"},
                    "solvers": [{"http01": {"ingress": {"ingressClassName": "nginx"}}}],
                }
            },
        ),
        bad={"acme": {"server": 5, "privateKeySecretRef": {"name": "k"}}},
    ),
    Public(
        group="monitoring.coreos.com",
        versions=("v1",),
        kind="ServiceMonitor",
        plural="servicemonitors",
        spec=fields(
            *("endpoints", "selector"),
            endpoints=many(
                fields(
                    honorLabels=FLAG,
                    interval={
                        "type": "string",
                        "pattern": r"^(0|(([0-9]+)y)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$",
                    },
                    params={"type": "object", "additionalProperties": TEXTS},
                    port=TEXT,
                    scheme=word("http", "https", "HTTP", "HTTPS"),
                    targetPort=EITHER,
                )
            ),
            namespaceSelector=fields(any=FLAG, matchNames=TEXTS),
            sampleLimit=number(format="int64"),
            selector={**SELECTOR, "x-kubernetes-map-type": "atomic"},
        ),
        good=(
            {"endpoints": [{"port": "web"}], "selector": {"matchLabels": {"a": "b"}}},
            {
                "endpoints": [
                    {"targetPort": 80, "interval": "30s", "params": {"m": ["a", "b"]}},
                    {"targetPort": "web"},
                ],
                "selector": {},
                "namespaceSelector": {"any": True},
            },
        ),
        bad={"endpoints": [{"interval": "30 s"}], "selector": {}},
    ),
    Public(
        group="monitoring.coreos.com",
        versions=("v1",),
        kind="PrometheusRule",
        plural="prometheusrules",
        spec=fields(
            groups=many(
                fields(
                    "name",
                    interval=DURATION,
                    labels=LABELS,
                    name={"type": "string", "minLength": 1},
                    rules=many(
                        fields("expr", alert=TEXT, expr=EITHER, labels=LABELS, record=TEXT, **{"for": DURATION})
                    ),
                ),
                **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            )
        ),
        good=({}, {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0", "for": "5m"}, {"expr": 1}]}]}),
        bad={"groups": [{"name": "", "rules": [{"alert": "A"}]}]},
    ),
    Public(
        group="argoproj.io",
        versions=("v1alpha1",),
        kind="Application",
        plural="applications",
        status=None,
        required=("metadata", "spec"),
        spec=fields(
            *("destination", "project"),
            destination=fields(name=TEXT, namespace=TEXT, server=TEXT),
            ignoreDifferences=many(fields("kind", group=TEXT, jsonPointers=TEXTS, kind=TEXT)),
            project=TEXT,
            source=fields(
                "repoURL",
                helm=fields(parameters=many(fields(name=TEXT, value=TEXT)), valuesObject=ANYTHING),
                path=TEXT,
                repoURL=TEXT,
                targetRevision=TEXT,
            ),
            syncPolicy=fields(
                automated=fields(prune=FLAG, selfHeal=FLAG),
                retry=fields(backoff=fields(factor=number(format="int64")), limit=number(format="int64")),
                syncOptions=TEXTS,
            ),
        ),
        good=(
            {"project": "default", "destination": {}, "source": {"repoURL": "https://git.example.com/a"}},
            {
                "project": "default",
                "destination": {"namespace": "n"},
                "source": {"repoURL": "https://git.example.com/a", "helm": {"valuesObject": {"x": {"y": [1, None]}}}},
                "syncPolicy": {"automated": {"prune": True}, "retry": {"limit": 5}, "syncOptions": ["A=true"]},
            },
        ),
        bad={"project": "default", "syncPolicy": {"retry": {"limit": "5"}}},
    ),
    Public(
        group="argoproj.io",
        versions=("v1alpha1",),
        kind="Rollout",
        plural="rollouts",
        scale={
            "labelSelectorPath": ".status.selector",
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.HPAReplicas",
        },
        status=fields(HPAReplicas=number(format="int32"), phase=TEXT, selector=TEXT, conditions=many(ANYTHING)),
        spec=fields(
            paused=FLAG,
            replicas=number(format="int32"),
            selector=SELECTOR,
            strategy=fields(
                canary=fields(
                    maxSurge=EITHER,
                    steps=many(fields(pause=fields(duration=EITHER), setWeight=number(format="int32"))),
                )
            ),
            template=ANYTHING,
        ),
        good=(
            {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}},
            {
                "replicas": 1,
                "strategy": {"canary": {"maxSurge": "25%", "steps": [{"setWeight": 20}, {"pause": {"duration": 60}}]}},
                "template": {"spec": {"containers": [{"name": "c"}]}},
            },
        ),
        bad={"paused": "yes"},
    ),
    Public(
        group="argoproj.io",
        versions=("v1alpha1",),
        kind="Workflow",
        plural="workflows",
        status=None,
        required=("metadata", "spec"),
        spec={**ANYTHING, "x-kubernetes-map-type": "atomic"},
        good=({}, {"entrypoint": "main", "templates": [{"name": "main", "steps": [[{"name": "a"}], []]}]}),
        bad=5,
    ),
    Public(
        group="gateway.networking.k8s.io",
        versions=("v1", "v1beta1"),
        kind="Gateway",
        plural="gateways",
        spec=fields(
            *("gatewayClassName", "listeners"),
            gatewayClassName={"type": "string", "minLength": 1, "maxLength": 253},
            listeners=many(
                fields(
                    *("name", "port", "protocol"),
                    allowedRoutes={
                        **fields(
                            namespaces={
                                **fields(
                                    **{"from": word("All", "Selector", "Same", default="Same")}, selector=SELECTOR
                                ),
                                "default": {"from": "Same"},
                            }
                        ),
                        "default": {"namespaces": {"from": "Same"}},
                    },
                    hostname={"type": "string", "minLength": 1, "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"},
                    name={"type": "string", "minLength": 1, "maxLength": 253},
                    port=number(format="int32", minimum=1, maximum=65535),
                    protocol={"type": "string", "minLength": 1, "maxLength": 255},
                ),
                minItems=1,
                maxItems=64,
                **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            ),
        ),
        status={
            **fields(conditions={**CONDITIONS, "maxItems": 8}),
            "default": {
                "conditions": [
                    {
                        "lastTransitionTime": "1970-01-01T00:00:00Z",
                        "message": "Waiting for controller",
                        "reason": "Pending",
                        "status": "Unknown",
                        "type": "Accepted",
                    }
                ]
            },
        },
        good=({"gatewayClassName": "g", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},),
        bad={"gatewayClassName": "g", "listeners": []},
    ),
    Public(
        group="gateway.networking.k8s.io",
        versions=("v1", "v1beta1"),
        kind="HTTPRoute",
        plural="httproutes",
        status=fields(
            "parents", parents=many(fields("controllerName", controllerName=TEXT, conditions=CONDITIONS), maxItems=32)
        ),
        spec=fields(
            hostnames=many({"type": "string", "minLength": 1, "maxLength": 253}, maxItems=16),
            parentRefs=many(PARENT_REF, maxItems=32),
            rules=many(
                fields(
                    backendRefs=many(BACKEND, maxItems=16),
                    matches=many(
                        fields(path=PATH_MATCH, method=word("GET", "POST")),
                        maxItems=64,
                        default=[{"path": {"type": "PathPrefix", "value": "/"}}],
                    ),
                ),
                maxItems=16,
                default=[{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}],
            ),
        ),
        good=(
            {},
            {
                "parentRefs": [{"name": "g"}],
                "rules": [{"backendRefs": [{"name": "s", "port": 80}]}, {"matches": [{"method": "GET"}]}],
            },
        ),
        bad={"rules": [{"backendRefs": [{"name": "s", "port": 0, "weight": -1}]}]},
    ),
    Public(
        group="pkg.crossplane.io",
        versions=("v1",),
        kind="Provider",
        plural="providers",
        is_cluster=True,
        required=(),
        spec=fields(
            "package",
            ignoreCrossplaneConstraints={"type": "boolean", "default": False},
            package=TEXT,
            packagePullPolicy={"type": "string", "default": "IfNotPresent"},
            revisionActivationPolicy={"type": "string", "default": "Automatic"},
            revisionHistoryLimit=number(format="int64", default=1),
            runtimeConfigRef={
                **fields("name", apiVersion={"type": "string", "default": "pkg.crossplane.io/v1beta1"}, name=TEXT),
                "default": {"name": "default"},
            },
            skipDependencyResolution={"type": "boolean", "default": False},
        ),
        good=({"package": "registry.example.com/p:v1"},),
        bad={"revisionHistoryLimit": 1},
    ),
    Public(
        group="serving.knative.dev",
        versions=("v1",),
        kind="Service",
        plural="services",
        required=(),
        status=fields(conditions=many(fields("status", "type", status=TEXT, type=TEXT)), url=TEXT),
        spec=fields(
            template=fields(
                metadata={
                    **fields(annotations=LABELS, labels=LABELS, name=TEXT),
                    "x-kubernetes-preserve-unknown-fields": True,
                },
                spec=fields(
                    "containers",
                    containerConcurrency=number(format="int64"),
                    containers=many(KNATIVE_CONTAINER),
                    timeoutSeconds=number(format="int64"),
                ),
            ),
            traffic=many(fields(latestRevision=FLAG, percent=number(format="int64"), revisionName=TEXT, tag=TEXT)),
        ),
        good=(
            {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "image": "i",
                                "ports": [{"containerPort": 8080}],
                                "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
                            }
                        ]
                    }
                }
            },
            {
                "template": {"metadata": {"annotations": {"a": "b"}, "other": 1}, "spec": {"containers": []}},
                "traffic": [{"percent": 100}],
            },
        ),
        bad={"template": {"spec": {"timeoutSeconds": True}}},
    ),
    Public(
        group="kustomize.toolkit.fluxcd.io",
        versions=("v1", "v1beta2"),
        kind="Kustomization",
        plural="kustomizations",
        required=(),
        status={**STATUS, "default": {"observedGeneration": -1}},
        spec=fields(
            *("interval", "prune", "sourceRef"),
            force={"type": "boolean", "default": False},
            interval=DURATION,
            path=TEXT,
            postBuild=fields(
                substitute=LABELS,
                substituteFrom=many(
                    fields(
                        "kind",
                        "name",
                        kind=word("Secret", "ConfigMap"),
                        name={"type": "string", "minLength": 1},
                        optional={"type": "boolean", "default": False},
                    )
                ),
            ),
            prune=FLAG,
            sourceRef=SOURCE_REF,
            wait=FLAG,
        ),
        good=(
            {"interval": "10m", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "g"}},
            {
                "interval": "1h30m",
                "prune": False,
                "sourceRef": {"kind": "Bucket", "name": "b"},
                "postBuild": {"substitute": {"a": "b"}, "substituteFrom": [{"kind": "Secret", "name": "s"}]},
            },
        ),
        bad={"interval": "10", "prune": "yes", "sourceRef": {"kind": "Pod"}},
    ),
    Public(
        group="source.toolkit.fluxcd.io",
        versions=("v1",),
        kind="GitRepository",
        plural="gitrepositories",
        required=(),
        status={**STATUS, "default": {"observedGeneration": -1}},
        spec=fields(
            *("interval", "url"),
            interval=DURATION,
            provider=word("generic", "azure", "github"),
            ref=fields(branch=TEXT, commit=TEXT, semver=TEXT, tag=TEXT),
            secretRef=fields("name", name=TEXT),
            timeout={"type": "string", "default": "60s", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$"},
            url={"type": "string", "pattern": "^(http|https|ssh)://.*$"},
        ),
        good=({"interval": "1m", "url": "https://git.example.com/a", "ref": {"branch": "main"}},),
        bad={"interval": "1m", "url": "git.example.com"},
    ),
    Public(
        group="helm.toolkit.fluxcd.io",
        versions=("v2",),
        kind="HelmRelease",
        plural="helmreleases",
        required=(),
        status={**STATUS, "default": {"observedGeneration": -1}},
        spec=fields(
            "interval",
            chart=fields(
                "spec",
                spec=fields(
                    *("chart", "sourceRef"),
                    chart={"type": "string", "minLength": 1, "maxLength": 2048},
                    reconcileStrategy=word("ChartVersion", "Revision", default="ChartVersion"),
                    sourceRef=fields(
                        "name", kind=word("HelmRepository", "GitRepository"), name={"type": "string", "minLength": 1}
                    ),
                    version={"type": "string", "default": "*"},
                ),
            ),
            install=fields(crds=word("Skip", "Create", "CreateReplace"), remediation=fields(retries=INTEGER)),
            interval=DURATION,
            values={"x-kubernetes-preserve-unknown-fields": True},
        ),
        good=(
            {
                "interval": "5m",
                "chart": {"spec": {"chart": "c", "sourceRef": {"kind": "HelmRepository", "name": "r"}}},
                "values": {"deep": {"list": [{}, [], 1.5]}},
            },
        ),
        bad={"interval": "5m", "chart": {"spec": {"sourceRef": {"name": ""}}}},
    ),
    Public(
        group="networking.istio.io",
        versions=("v1", "v1beta1", "v1alpha3"),
        kind="VirtualService",
        plural="virtualservices",
        required=(),
        status=ANYTHING,
        spec=fields(
            exportTo=TEXTS,
            gateways=TEXTS,
            hosts=TEXTS,
            http=many(
                fields(
                    match=many(
                        fields(
                            uri={
                                **fields(exact=TEXT, prefix=TEXT, regex=TEXT),
                                "oneOf": [
                                    {
                                        "not": {
                                            "anyOf": [
                                                {"required": ["exact"]},
                                                {"required": ["prefix"]},
                                                {"required": ["regex"]},
                                            ]
                                        }
                                    },
                                    {"required": ["exact"]},
                                    {"required": ["prefix"]},
                                    {"required": ["regex"]},
                                ],
                            }
                        )
                    ),
                    retries=fields(attempts=number(format="int32"), perTryTimeout=TEXT),
                    route=many(
                        fields(
                            "destination",
                            destination=fields(
                                "host",
                                host=TEXT,
                                port=fields(number=number(minimum=0, maximum=4294967295)),
                                subset=TEXT,
                            ),
                            weight=number(format="int32"),
                        )
                    ),
                    timeout=TEXT,
                )
            ),
        ),
        good=(
            {
                "hosts": ["a.example.com"],
                "http": [{"route": [{"destination": {"host": "s", "port": {"number": 80}}, "weight": 100}]}],
            },
            {
                "hosts": [],
                "http": [
                    {"match": [{"uri": {"prefix": "/v1"}}, {"uri": {}}], "route": [{"destination": {"host": "s"}}]}
                ],
            },
        ),
        bad={"http": [{"match": [{"uri": {"exact": "/", "prefix": "/"}}]}]},
    ),
    Public(
        group="cilium.io",
        versions=("v2",),
        kind="CiliumNetworkPolicy",
        plural="ciliumnetworkpolicies",
        required=("metadata",),
        status=fields(conditions=many(fields("status", "type", status=TEXT, type=TEXT))),
        spec={
            **fields(
                description=TEXT,
                endpointSelector=fields(
                    matchLabels={
                        "type": "object",
                        "additionalProperties": {
                            "type": "string",
                            "maxLength": 63,
                            "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
                        },
                    }
                ),
                nodeSelector=SELECTOR,
                ingress=many(
                    fields(
                        fromEntities=many(word("all", "world", "cluster", "host")),
                        toPorts=many(
                            fields(
                                ports=many(
                                    fields(
                                        "port",
                                        port={"type": "string", "pattern": "^(6553[0-5]|[0-9]{1,4})$"},
                                        protocol=word("TCP", "UDP", "ANY"),
                                    ),
                                    maxItems=40,
                                )
                            )
                        ),
                    )
                ),
            ),
            "oneOf": [
                {"properties": {"endpointSelector": {}}, "required": ["endpointSelector"]},
                {"properties": {"nodeSelector": {}}, "required": ["nodeSelector"]},
            ],
        },
        good=(
            {
                "endpointSelector": {},
                "ingress": [{"fromEntities": ["world"], "toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}]}],
            },
        ),
        bad={"ingress": []},
    ),
    Public(
        group="keda.sh",
        versions=("v1alpha1",),
        kind="ScaledObject",
        plural="scaledobjects",
        spec=fields(
            *("scaleTargetRef", "triggers"),
            cooldownPeriod=number(format="int32"),
            fallback=fields(
                "failureThreshold",
                "replicas",
                behavior=word("static", "currentReplicas", default="static"),
                failureThreshold=number(format="int32"),
                replicas=number(format="int32"),
            ),
            maxReplicaCount=number(format="int32"),
            minReplicaCount=number(format="int32"),
            scaleTargetRef=fields("name", apiVersion=TEXT, kind=TEXT, name=TEXT),
            triggers=many(fields("metadata", "type", metadata=LABELS, metricType=TEXT, type=TEXT)),
        ),
        status=fields(conditions=many(fields("status", "type", status=TEXT, type=TEXT)), scaleTargetKind=TEXT),
        good=(
            {
                "scaleTargetRef": {"name": "d"},
                "triggers": [{"type": "cron", "metadata": {"start": "0 8 * * *"}}],
                "fallback": {"failureThreshold": 3, "replicas": 1},
            },
        ),
        bad={"scaleTargetRef": {"name": "d"}, "triggers": [{"type": "cron", "metadata": {"start": 8}}]},
    ),
    Public(
        group="external-secrets.io",
        versions=("v1",),
        kind="ExternalSecret",
        plural="externalsecrets",
        required=(),
        spec=fields(
            data=many(
                fields(
                    "remoteRef",
                    "secretKey",
                    remoteRef=fields(
                        "key",
                        conversionStrategy=word("Default", "Unicode", default="Default"),
                        decodingStrategy=word("Auto", "Base64", "None", default="None"),
                        key=TEXT,
                        property=TEXT,
                    ),
                    secretKey={"type": "string", "minLength": 1, "maxLength": 253, "pattern": "^[-._a-zA-Z0-9]+$"},
                )
            ),
            refreshInterval={"type": "string", "default": "1h0m0s"},
            secretStoreRef=fields(kind=word("SecretStore", "ClusterSecretStore"), name=TEXT),
            target={
                **fields(
                    creationPolicy=word("Owner", "Orphan", "None", default="Owner"),
                    deletionPolicy=word("Delete", "Retain", default="Retain"),
                    name=TEXT,
                ),
                "default": {"creationPolicy": "Owner", "deletionPolicy": "Retain"},
            },
        ),
        good=(
            {"secretStoreRef": {"name": "v"}, "data": [{"secretKey": "k", "remoteRef": {"key": "a/b"}}]},
            {"target": {"name": "t"}},
        ),
        bad={"data": [{"secretKey": "a b", "remoteRef": {"key": "k"}}]},
    ),
    Public(
        group="velero.io",
        versions=("v1",),
        kind="Backup",
        plural="backups",
        status=None,
        required=(),
        spec={
            **fields(
                csiSnapshotTimeout=TEXT,
                excludedNamespaces={**TEXTS, "nullable": True},
                hooks=fields(
                    resources={
                        **many(fields("name", name=TEXT, includedNamespaces={**TEXTS, "nullable": True})),
                        "nullable": True,
                    }
                ),
                includedNamespaces={**TEXTS, "nullable": True},
                labelSelector={**SELECTOR, "nullable": True, "x-kubernetes-map-type": "atomic"},
                snapshotVolumes={"type": "boolean", "nullable": True},
                storageLocation=TEXT,
                ttl=TEXT,
            ),
            "nullable": False,
        },
        good=(
            {"includedNamespaces": None, "ttl": "720h0m0s", "hooks": {"resources": None}},
            {"labelSelector": None, "storageLocation": "s"},
        ),
        bad={"ttl": 5},
    ),
    Public(
        group="kafka.strimzi.io",
        versions=("v1beta2",),
        kind="KafkaTopic",
        plural="kafkatopics",
        required=(),
        status=fields(
            conditions=many(fields(type=TEXT, status=TEXT, lastTransitionTime=TEXT)),
            observedGeneration=INTEGER,
            topicName=TEXT,
        ),
        spec=fields(
            config=ANYTHING, partitions=number(minimum=1), replicas=number(minimum=1, maximum=32767), topicName=TEXT
        ),
        good=({"partitions": 3, "replicas": 1, "config": {"retention.ms": 7200000, "a": None}}, {}),
        bad={"partitions": 0, "replicas": 40000},
    ),
)
