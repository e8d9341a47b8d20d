"""A cluster as Argo CD's API writes one, from a context of a kubeconfig."""

import base64
from typing import Any

from holdfast.cluster.kubeconfig import Access, Basic, Token, TokenFile, find_access
from holdfast.domain.errors import ConfigurationError, Retry


def cluster_entry(kubeconfig: str, context: str) -> dict[str, Any]:
    """Return `server` and `config` of a context, with its credentials.

    Raises:
        ConfigurationError: HF3001, there is no such context, or it signs in by a program or a
            file, which cannot be kept.
    """
    access = find_access(kubeconfig or None, context)
    if access.sign_in is not None and not isinstance(access.sign_in, Token | Basic):
        how = "a token file" if isinstance(access.sign_in, TokenFile) else "a program"
        raise ConfigurationError(
            "HF3001",
            f"the context {context} signs in by {how} of this machine, which cannot be kept in "
            "a Secret",
            hint="make a ServiceAccount with a token there, and a context that uses it",
            retry=Retry.NEVER,
        )
    return {"server": access.server, "config": _config(access)}


def _config(access: Access) -> dict[str, Any]:
    tls: dict[str, Any] = {"insecure": access.insecure}
    if access.tls_server_name:
        tls["serverName"] = access.tls_server_name
    for key, value in (("caData", access.ca), ("certData", access.client_cert),
                       ("keyData", access.client_key)):  # fmt: skip
        if value is not None:
            tls[key] = base64.b64encode(value).decode()
    config: dict[str, Any] = {"tlsClientConfig": tls}
    match access.sign_in:
        case Token(token):
            config["bearerToken"] = token
        case Basic(username, password):
            config |= {"username": username, "password": password}
        case _:
            pass  # the certificate says who it is
    if access.proxy_url:
        config["proxyUrl"] = access.proxy_url
    return config
