"""What a request was sent to, by its method and URL."""

from __future__ import annotations

import pytest

from informers.controllers._recording_client import Address, address_of


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/api/v1/namespaces/shop/pods", ("", "pods", "shop", "", "", "/api/v1/namespaces/shop/pods")),
        ("/api/v1/namespaces/shop/pods/web", ("", "pods", "shop", "web", "", "/api/v1/namespaces/shop/pods")),
        (
            "/api/v1/namespaces/shop/pods/web/status",
            ("", "pods", "shop", "web", "status", "/api/v1/namespaces/shop/pods"),
        ),
        ("/api/v1/nodes/n", ("", "nodes", "", "n", "", "/api/v1/nodes")),
        ("/api/v1/namespaces/shop", ("", "namespaces", "", "shop", "", "/api/v1/namespaces")),
        ("/api/v1/namespaces/shop/status", ("", "namespaces", "", "shop", "status", "/api/v1/namespaces")),
        ("/api/v1/namespaces/shop/finalize", ("", "namespaces", "", "shop", "finalize", "/api/v1/namespaces")),
        ("/api/v1/namespaces/shop/bindings", ("", "pods", "shop", "", "binding", "/api/v1/namespaces/shop/pods")),
        (
            "/apis/apps/v1/namespaces/a/deployments/b/scale",
            ("apps", "deployments", "a", "b", "scale", "/apis/apps/v1/namespaces/a/deployments"),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
            (
                "rbac.authorization.k8s.io",
                "clusterroles",
                "",
                "system:node",
                "",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            ),
        ),
        ("/api/v1/namespaces/shop/pods?limit=1", ("", "pods", "shop", "", "", "/api/v1/namespaces/shop/pods")),
    ],
)
@pytest.mark.parametrize("host", ["https://server", "https://server/k8s/clusters/c-1", "https://server/"])
def test_an_address_is_read_from_the_url(url: str, host: str, expected: tuple[str, ...]) -> None:
    group, plural, namespace, name, subresource, collection = expected
    address = address_of("PUT", f"{host.rstrip('/')}{url}", host)
    assert address == Address("PUT", group, plural, namespace, name, subresource, collection)


@pytest.mark.parametrize("url", ["/version", "/", "/apis", "/healthz/ping", "/api/v1", ""])
def test_what_is_not_an_object_has_no_address(url: str) -> None:
    assert address_of("POST", f"https://server{url}", "https://server") is None
