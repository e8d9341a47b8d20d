"""What of the settings the borders of the page follow: the port, the path, the packing.

Each is read when `argocd-cmd-params-cm` changes, so that nothing has to be started again. What is
no good is logged, and what was in force stays.
"""

import logging
import ssl
from collections.abc import Callable

from starlette.types import ASGIApp

from holdfast.api.packing import Packed
from holdfast.api.root_path import BASE, ROOT, read_root
from holdfast.api.rooted import Rooted
from holdfast.api.signin.cookies import own_addresses
from holdfast.assembly.argo_settings import PARAMETERS, ArgoSettings
from holdfast.assembly.tls_door import HttpsOnly, strict_hosts
from holdfast.assembly.tls_limits import limit

log = logging.getLogger(__name__)

_INSECURE, _GZIP = "server.insecure", "server.enable.gzip"


def bordered(inner: ASGIApp, argo: ArgoSettings) -> ASGIApp:
    """Return an application that is served below a path, and packed."""
    rooted = Rooted(inner)

    def read() -> None:
        root, base = argo.text(ROOT).strip(), argo.text(BASE).strip()
        try:
            # As in Argo CD: a root path is the base of links as well.
            path, takes_off = read_root(root) or read_root(base), bool(root.strip("/"))
        except ValueError as error:
            log.warning("%s: %s or %s: %s", PARAMETERS, ROOT, BASE, error)
            return
        rooted.root, rooted.takes_off = path, takes_off

    _follow(argo, read)
    return Packed(rooted, lambda: argo.switch(_GZIP, default=True))


def follow_door(door: HttpsOnly, argo: ArgoSettings, *, may_be_plain: bool) -> None:
    """Let plain HTTP pass when the settings say so, and demand TLS of browsers for our names."""

    def read() -> None:
        door.takes_plain = may_be_plain and argo.switch(_INSECURE)
        door.strict_hosts = strict_hosts(own_addresses(argo))

    _follow(argo, read)


def follow_limits(context: ssl.SSLContext, argo: ArgoSettings) -> None:
    """Let TLS take the versions and ciphers of the settings."""

    def read() -> None:
        try:
            limit(context, argo.text)
        except ValueError as error:
            log.warning("%s: %s", PARAMETERS, error)

    _follow(argo, read)


def _follow(argo: ArgoSettings, read: Callable[[], None]) -> None:
    read()
    argo.changed.append(read)
