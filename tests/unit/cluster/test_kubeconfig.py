"""Which server, and as whom: the way kubectl finds out. Files are the input, so there are files."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.cluster.kubeconfig import Access, Basic, ExecPlugin, Token, TokenFile, find_access
from holdfast.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def _config(
    user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, name: str = "one"
) -> dict[str, Any]:
    return {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}.example:6443", **(cluster or {})}}
        ],
        "users": [{"name": name, "user": user or {}}],
    }


def _write(path: Path, config: object) -> Path:
    path.write_text(json.dumps(config))
    return path


def _read(path: Path, user: dict[str, Any], **cluster: Any) -> Access:
    return find_access(_write(path / "config", _config(user, cluster)), environ={})


def _refusal(path: Path, config: object, context: str = "") -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        find_access(_write(path / "config", config), context, environ={})
    assert caught.value.code == "HF3001"
    assert str(path / "config") in caught.value.describe()
    return caught.value


def test_the_flag_wins_over_the_environment(tmp_path: Path) -> None:
    flag = _write(tmp_path / "flag", _config(name="flag"))
    other = _write(tmp_path / "other", _config(name="other"))
    access = find_access(flag, environ={"KUBECONFIG": str(other)})
    assert access.server == "https://flag.example:6443"
    assert access.namespace == "default"
    assert str(flag) in access.origin


def test_a_list_of_files_is_merged_and_the_first_wins(tmp_path: Path) -> None:
    first = _config(name="one")
    first["contexts"].append({"name": "two", "context": {"cluster": "two", "user": "one"}})
    second = _config({"token": "loses"}, name="one")
    second["clusters"] += _config(name="two")["clusters"]
    paths = [_write(tmp_path / "a", first), tmp_path / "missing", _write(tmp_path / "b", second)]
    environ = {"KUBECONFIG": ":".join(map(str, paths))}
    assert find_access(environ=environ).sign_in is None
    assert find_access(context="two", environ=environ).server == "https://two.example:6443"


def test_without_anything_else_the_file_of_the_home_folder_counts(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    _write(tmp_path / ".kube" / "config", _config(name="home"))
    assert find_access(environ={"HOME": str(tmp_path)}).server == "https://home.example:6443"


def test_a_pod_signs_in_with_its_service_account(tmp_path: Path) -> None:
    for name, text in (("token", "t"), ("ca.crt", "PEM"), ("namespace", "argocd")):
        (tmp_path / name).write_text(text)
    environ = {
        "HOME": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": "fd00::1",
        "KUBERNETES_SERVICE_PORT": "443",
    }
    access = find_access(environ=environ, service_account=tmp_path)
    assert access.server == "https://[fd00::1]:443"
    assert access.sign_in == TokenFile(tmp_path / "token")
    assert access.ca == b"PEM"
    assert access.namespace == "argocd"


def test_nothing_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_access(environ={"HOME": str(tmp_path)})
    assert caught.value.code == "HF3001"
    assert str(tmp_path) in caught.value.message
    assert "holdfast up" in caught.value.hint


def test_each_way_to_sign_in_is_understood(tmp_path: Path) -> None:
    assert _read(tmp_path, {"token": "t"}).sign_in == Token("t")
    assert _read(tmp_path, {"tokenFile": "t"}).sign_in == TokenFile(tmp_path / "t")
    basic = _read(tmp_path, {"username": "u", "password": "p"}).sign_in
    assert basic == Basic("u", "p")
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./sign-in",
        "args": ["a"],
        "env": [{"name": "N", "value": "v"}],
        "provideClusterInfo": True,
        "installHint": "get it",
        "interactiveMode": "Never",
    }
    assert _read(tmp_path, {"exec": plugin}).sign_in == ExecPlugin(
        command=str(tmp_path / "sign-in"),
        args=("a",),
        env=(("N", "v"),),
        provide_cluster_info=True,
        install_hint="get it",
        user="one",
    )


def test_certificates_come_from_data_or_from_files_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("KEY")
    (tmp_path / "ca.pem").write_text("CA")
    user = {
        "client-certificate-data": base64.b64encode(b"CERT").decode(),
        "client-key": "key.pem",
    }
    access = _read(tmp_path, user, **{"certificate-authority": "ca.pem"})
    assert (access.client_cert, access.client_key, access.ca) == (b"CERT", b"KEY", b"CA")


def test_proxy_server_name_and_insecure_are_read(tmp_path: Path) -> None:
    cluster = {
        "proxy-url": "http://proxy:3128",
        "tls-server-name": "inside",
        "insecure-skip-tls-verify": True,
        "server": "https://host/k8s/clusters/c-1/",
    }
    access = _read(tmp_path, {"as": "somebody", "as-groups": ["g"]}, **cluster)
    assert access.proxy_url == "http://proxy:3128"
    assert access.tls_server_name == "inside"
    assert access.insecure
    assert access.server == "https://host/k8s/clusters/c-1"
    assert dict(access.impersonate) == {"Impersonate-User": "somebody", "Impersonate-Group": "g"}


def test_secrets_are_not_shown_by_repr(tmp_path: Path) -> None:
    assert "hush" not in repr(_read(tmp_path, {"token": "hush"}))
    assert "hush" not in repr(_read(tmp_path, {"username": "u", "password": "hush"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"current-context": ""}, "no current context", id="no context"),
        pytest.param(
            {"current-context": "x"}, "no context 'x' (there are: one)", id="unknown context"
        ),
        pytest.param({"clusters": []}, "no cluster 'one'", id="unknown cluster"),
        pytest.param({"users": []}, "no user 'one'", id="unknown user"),
    ],
)
def test_a_config_that_refers_to_nothing_says_so(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    assert words in _refusal(tmp_path, {**_config(), **change}).message


@pytest.mark.parametrize(
    ("user", "cluster", "words"),
    [
        ({"auth-provider": {"name": "gcp"}}, {}, "auth-provider"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1"}}, {}, "without a command"),
        ({"exec": {"command": "x", "apiVersion": "v1alpha1"}}, {}, "speaks 'v1alpha1'"),
        ({"client-key-data": "a2V5"}, {}, "but not both"),
        ({"client-key": "nowhere"}, {}, "cannot be read"),
        ({"as": "u", "as-groups": ["a", "b"]}, {}, "several groups"),
        ({}, {"server": ""}, "no usable `server`"),
        ({}, {"proxy-url": "socks5://x"}, "proxy-url"),
        ({}, {"certificate-authority-data": "Q0E=", "insecure-skip-tls-verify": True}, "only one"),
    ],
)
def test_what_cannot_work_says_what_and_where(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], words: str
) -> None:
    assert words in _refusal(tmp_path, _config(user, cluster)).describe()


def test_a_file_that_does_not_parse_says_where(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("a: [1,\nb")
    with pytest.raises(ConfigurationError, match="does not parse"):
        find_access(path, environ={})
    with pytest.raises(ConfigurationError, match="does not exist"):
        find_access(tmp_path / "missing", environ={})
