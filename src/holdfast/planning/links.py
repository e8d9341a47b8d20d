"""Addresses at which people reach what an object serves: `status.summary.externalURLs`.

Derived from Ingresses, Gateways and load balancers, and named by annotations
(docs/internals/argocd/controller.md §8.5). A link that a browser must not follow is left out.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from holdfast.domain.manifest import JSON, Manifest

LINK_ANNOTATION = "link.argocd.argoproj.io/"
IGNORE_DEFAULT_ANNOTATION = "argocd.argoproj.io/ignore-default-links"
SAFE_SCHEMES = frozenset({"http", "https", "mailto", "ftp"})
_PLAIN_PORT, _SECURE_PORT = 80, 443


def external_urls(live: Manifest) -> tuple[str, ...]:
    """Return the links of one live object, sorted; of annotations in the form that users wrote.

    An annotation holds an address, or `title|address`.
    """
    found = {
        value
        for key, value in live.annotations.items()
        if key.startswith(LINK_ANNOTATION) and is_safe(str(value).rpartition("|")[2])
    }
    if live.annotation(IGNORE_DEFAULT_ANNOTATION) != "true":
        found.update(_derived(live))
    return tuple(sorted(found))


def is_safe(url: str) -> bool:
    """Whether a browser may follow it: an address with a scheme that runs nothing."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in SAFE_SCHEMES and bool(parts.netloc or parts.path)


def _derived(live: Manifest) -> Iterator[str]:
    kind = (live.group, live.kind)
    if live.kind == "Ingress" and live.group in ("networking.k8s.io", "extensions"):
        yield from _of_ingress(live)
    elif kind == ("", "Service") and live.at("spec", "type") == "LoadBalancer":
        yield from _of_service(live)
    elif kind == ("gateway.networking.k8s.io", "Gateway"):
        for listener in _items(live.at("spec", "listeners")):
            secure = listener.get("protocol") in ("HTTPS", "TLS")
            yield from _addresses([listener.get("hostname")], listener.get("port"), secure=secure)
    elif kind == ("networking.istio.io", "Gateway"):
        for server in _items(live.at("spec", "servers")):
            port = server.get("port") or {}
            hosts = [str(host).rpartition("/")[2] for host in server.get("hosts") or ()]
            secure = port.get("protocol") in ("HTTPS", "TLS")
            yield from _addresses(hosts, port.get("number"), secure=secure)


def _of_ingress(live: Manifest) -> Iterator[str]:
    tls = _items(live.at("spec", "tls"))
    secured = {host for entry in tls for host in entry.get("hosts") or ()}
    covers_all = any(not entry.get("hosts") for entry in tls)
    balancers = list(_balancers(live))
    for rule in _items(live.at("spec", "rules")):
        named = rule.get("host")
        secure = covers_all or named in secured
        for host in [named] if named else balancers:
            for path in _items((rule.get("http") or {}).get("paths")) or [{}]:
                where = str(path.get("path") or "").rstrip("*")
                for address in _addresses([host], None, secure=secure):
                    yield address + (where if where != "/" else "")


def _of_service(live: Manifest) -> Iterator[str]:
    hosts = list(_balancers(live))
    for port in _items(live.at("spec", "ports")):
        number = port.get("port")
        yield from _addresses(hosts, number, secure=number == _SECURE_PORT)


def _addresses(hosts: Iterable[JSON], port: JSON, *, secure: bool) -> Iterator[str]:
    scheme, usual = ("https", _SECURE_PORT) if secure else ("http", _PLAIN_PORT)
    suffix = "" if port in (None, usual) else f":{port}"
    for host in hosts:
        # A wildcard names no place that anybody could go to.
        if isinstance(host, str) and host and "*" not in host:
            yield f"{scheme}://{f'[{host}]' if ':' in host else host}{suffix}"


def _balancers(live: Manifest) -> Iterator[str]:
    for item in _items(live.at("status", "loadBalancer", "ingress")):
        host = item.get("hostname") or item.get("ip")
        if isinstance(host, str):
            yield host


def _items(value: JSON) -> list[dict[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
