"""Which proxy the way to a repository goes through (docs/internals/argocd/controller.md §10.2)."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def find_proxy(url: str, proxy: str, no_proxy: str) -> str | Literal[True]:
    """Return the proxy's URL, `""` for none, or True for what the environment says.

    Args:
        url: The repository's URL.
        proxy: The key `proxy` of its Secret, or `""`: HTTPS_PROXY and NO_PROXY count then.
        no_proxy: The key `noProxy`: hosts, domains, addresses and CIDR ranges, by commas; `*` is
            every host, `.example` the hosts below `example` alone.
    """
    if not proxy:
        return True
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    rules = (rule.strip().lower() for rule in no_proxy.split(","))
    return "" if any(_fits(parts.hostname or "", port, rule) for rule in rules if rule) else proxy


def _fits(host: str, port: int, rule: str) -> bool:
    if rule == "*":
        return True
    if "/" in rule or rule.count(":") > 1:
        return _is_in_network(host, rule)
    name, _, only_port = rule.partition(":")
    if only_port and only_port != str(port):
        return False
    domain = name.removeprefix("*")
    if domain.startswith("."):
        return host.endswith(domain)
    return host == domain or (host.endswith(f".{domain}") and not _is_address(domain))


def _is_in_network(host: str, rule: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule.strip("[]"), strict=False)
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    return text.replace(".", "").isdigit()
