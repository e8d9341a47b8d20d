"""How the Secret of a cluster is read, as Argo CD writes it."""

from __future__ import annotations

import base64

import pytest

from holdfast.assembly.labelled_secrets import access_of
from holdfast.cluster.kubeconfig import Basic, Token
from holdfast.domain.errors import ConfigurationError

SERVER = "https://prod.example:6443/"


def test_tokens_names_and_certificates_are_taken() -> None:
    pem = base64.b64encode(b"pem").decode()
    tls = {"insecure": True, "serverName": "prod", "caData": pem, "certData": pem, "keyData": pem}
    access = access_of(SERVER, {"bearerToken": "hush", "tlsClientConfig": tls})
    assert access.server == "https://prod.example:6443"
    assert access.sign_in == Token("hush")
    assert (access.ca, access.client_cert, access.client_key) == (b"pem", b"pem", b"pem")
    assert (access.insecure, access.tls_server_name) == (True, "prod")
    assert "hush" not in repr(access)
    named = access_of(SERVER, {"username": "ann", "password": "hush", "proxyUrl": "http://p:1"})
    assert named.sign_in == Basic("ann", "hush")
    assert named.proxy_url == "http://p:1"
    assert access_of(SERVER, {}).sign_in is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"awsAuthConfig": {"clusterName": "x"}}, "awsAuthConfig, which is not built"),
        ({"execProviderConfig": {"command": "x"}}, "execProviderConfig, which is not built"),
        ({"tlsClientConfig": {"keyData": "hush hush"}}, "keyData of its Secret is no base64"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(
    config: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigurationError, match="Secret") as caught:
        access_of(SERVER, config)
    assert words in caught.value.message
    assert "hush" not in caught.value.describe()
