"""Links of objects: derived from what they serve, or written by a person."""

from typing import Any

import pytest

from holdfast.domain.manifest import Manifest
from holdfast.planning.links import external_urls, is_safe


def ingress(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "annotations": {}},
        "spec": spec,
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}},
    }


def balancer(*ports: int, **ingress_of: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": port} for port in ports]},
        "status": {"loadBalancer": {"ingress": [ingress_of]}},
    }


def rule(host: str | None, *paths: str) -> dict[str, Any]:
    found: dict[str, Any] = {"http": {"paths": [{"path": path} for path in paths]}}
    return found | ({"host": host} if host else {})


@pytest.mark.parametrize(
    ("tree", "urls"),
    [
        (ingress(rules=[rule("a.example", "/")]), ["http://a.example"]),
        (ingress(rules=[rule("a.example", "/shop", "/api*")]),
         ["http://a.example/api", "http://a.example/shop"]),
        (ingress(rules=[rule("a.example", "/")], tls=[{"hosts": ["a.example"]}]),
         ["https://a.example"]),
        (ingress(rules=[rule("a.example", "/")], tls=[{"secretName": "x"}]),
         ["https://a.example"]),
        (ingress(rules=[rule(None, "/")]), ["http://192.0.2.7"]),
        (ingress(rules=[rule("*.example", "/")]), []),
        (ingress(), []),
        (balancer(80, 443, hostname="lb.example"), ["http://lb.example", "https://lb.example"]),
        (balancer(8080, ip="2001:db8::1"), ["http://[2001:db8::1]:8080"]),
        ({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {},
          "spec": {"listeners": [{"hostname": "g.example", "protocol": "HTTPS", "port": 443}]}},
         ["https://g.example"]),
        ({"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {},
          "spec": {"servers": [{"hosts": ["ns/i.example", "*"],
                                "port": {"number": 8443, "protocol": "HTTPS"}}]}},
         ["https://i.example:8443"]),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}, []),
    ],
)  # fmt: skip
def test_what_is_served_has_an_address(tree: dict[str, Any], urls: list[str]) -> None:
    assert list(external_urls(Manifest(tree))) == urls


def test_a_person_adds_links_and_takes_the_derived_ones_away() -> None:
    tree = ingress(rules=[rule("a.example", "/")])
    tree["metadata"]["annotations"] = {
        "link.argocd.argoproj.io/docs": "Docs|https://docs.example/x",
        "link.argocd.argoproj.io/bad": "javascript:alert(1)",
    }
    assert external_urls(Manifest(tree)) == ("Docs|https://docs.example/x", "http://a.example")
    tree["metadata"]["annotations"]["argocd.argoproj.io/ignore-default-links"] = "true"
    assert external_urls(Manifest(tree)) == ("Docs|https://docs.example/x",)


@pytest.mark.parametrize("url", ["javascript:x", "data:text/html,x", "//host", "", "http:", "x"])
def test_what_a_browser_must_not_follow_is_no_link(url: str) -> None:
    assert not is_safe(url)
