"""`repo`, `repocreds` and `cluster`: what is asked for, what is printed, what is never printed."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from holdfast.domain.commands import Done
from holdfast.domain.errors import RepositoryError
from holdfast.domain.stored_settings import (
    DeleteCluster,
    DeleteRepoCreds,
    DeleteRepository,
    ListClusters,
    ListRepoCreds,
    ListRepositories,
    PutCluster,
    PutRepoCreds,
    PutRepository,
)
from tests.support.command_line import holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.domain.commands import Command

Tree = dict[str, Any]
URL = "https://git.example/shop.git"
REPOSITORIES: list[Tree] = [
    {"repo": URL, "type": "git", "name": "shop", "username": "ci", "credentialsKind": "password",
     "connectionState": {"status": "Successful", "message": "", "attemptedAt": None}},
    {"repo": "git@git.example:a.git", "type": "git", "project": "data", "inheritedCreds": True,
     "insecure": True, "connectionState": {"status": "Failed", "message": "no key"}},
]  # fmt: skip
CLUSTERS: list[Tree] = [
    {"server": "https://kubernetes.default.svc", "name": "in-cluster", "serverVersion": "v1.36.3",
     "connectionState": {"status": "Successful", "message": ""}},
    {"server": "https://prod.example", "name": "prod", "namespaces": ["a", "b"],
     "project": "data", "connectionState": {"status": "Unknown", "message": "not tried yet"}},
]  # fmt: skip


def answering(query: type, found: list[Tree], commands: FakeCommands | None = None) -> FakeLink:
    queries = FakeQueries()
    queries.answers[query] = found
    return FakeLink(queries, commands or FakeCommands(done))


def done(_: Command) -> Done:
    return Done("created", {}, ("a note",))


def test_a_repository_is_added_with_what_the_flags_say(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("PRIVATE")
    commands = FakeCommands(done)
    link = FakeLink(FakeQueries(), commands)
    result = holdfast(
        link, "repo", "add", URL, "--username", "ci", "--ssh-private-key-path", str(key),
        "--name", "shop", "--project", "data", "--insecure-ignore-host-key", "--enable-lfs",
        "--upsert", stdin="secret\n",
    )  # fmt: skip
    assert (result.code, result.out) == (0, f"Repository '{URL}' added\n")
    (asked,) = commands.asked
    assert isinstance(asked, PutRepository)
    assert asked.upsert
    assert asked.values == {
        "url": URL, "username": "ci", "password": "secret", "sshPrivateKey": "PRIVATE",
        "name": "shop", "project": "data", "insecure": "true", "enableLfs": "true",
    }  # fmt: skip
    assert "secret" not in repr(asked)
    assert "secret" not in result.transcript


def test_a_repository_that_cannot_be_read_is_an_error() -> None:
    def refuse(_: Command) -> Done:
        raise RepositoryError("HF1001", "the repository cannot be read: no credentials")

    result = holdfast(FakeLink(FakeQueries(), FakeCommands(refuse)), "repo", "add", URL)
    assert (result.code, result.out) == (20, "")
    assert "HF1001" in result.err
    missing = holdfast(
        FakeLink(FakeQueries(), FakeCommands(done)),
        "repo", "add", URL, "--ssh-private-key-path", "/nothing",
    )  # fmt: skip
    assert missing.code == 1
    assert "--ssh-private-key-path /nothing: No such file" in missing.err


def test_repositories_are_listed_as_argocd_lists_them() -> None:
    def link() -> FakeLink:
        return answering(ListRepositories, REPOSITORIES)

    lines = holdfast(link(), "repo", "list").out.splitlines()
    assert lines[0].split() == [
        "TYPE", "NAME", "REPO", "INSECURE", "OCI", "LFS", "CREDS", "STATUS", "MESSAGE", "PROJECT"
    ]  # fmt: skip
    assert lines[1].split() == ["git", "shop", URL, "false", "false", "false", "true", "Successful"]
    assert "inherited" in lines[2]
    assert lines[2].endswith("data")
    urls = holdfast(link(), "repo", "list", "-o", "url").out
    assert urls == f"{URL}\ngit@git.example:a.git\n"
    fresh = link()
    assert holdfast(fresh, "repo", "get", URL, "--refresh", "hard", "-o", "json").code == 0
    assert fresh.queries.asked == [ListRepositories(refresh=True, url=URL)]
    unknown = holdfast(answering(ListRepositories, []), "repo", "get", "https://nothing.example")
    assert unknown.code == 20
    assert "HF3017" in unknown.err


def test_when_something_was_tried_is_no_part_of_the_output() -> None:
    """Straight it is tried for each command, by a server maybe long ago."""

    def told(at: str) -> list[str]:
        state = {"status": "Successful", "message": "", "attemptedAt": at}
        repository = {**REPOSITORIES[0], "connectionState": state}
        cluster = {**CLUSTERS[1], "connectionState": state, "info": {"connectionState": state}}
        return [
            holdfast(answering(kind, [tree]), what, *words).out
            for kind, what, tree in (
                (ListRepositories, "repo", repository), (ListClusters, "cluster", cluster)
            )
            for words in (("list", "-o", "json"), ("list", "-o", "yaml"),
                          ("get", tree.get("repo") or "prod", "-o", "json"))
        ]  # fmt: skip

    one, other = told("2026-01-01T00:00:00Z"), told("2026-01-01T00:30:00Z")
    assert one == other
    assert all("attemptedAt" in said and "Successful" in said for said in one)


def test_what_is_removed_is_named() -> None:
    commands = FakeCommands(done)
    link = answering(ListClusters, CLUSTERS, commands)
    said = [
        holdfast(link, "repo", "rm", URL, "--project", "data").out,
        holdfast(link, "repocreds", "rm", "https://git.example").out,
        holdfast(link, "cluster", "rm", "prod").out,
    ]
    assert said == [
        f"Repository '{URL}' removed\n",
        "Repository credentials for 'https://git.example' removed\n",
        "Cluster 'prod' removed\n",
    ]
    assert commands.asked == [
        DeleteRepository(URL, "data"),
        DeleteRepoCreds("https://git.example"),
        DeleteCluster("https://prod.example"),
    ]
    assert holdfast(link, "cluster", "rm", "in-cluster").code == 1


def test_credentials_are_added_and_listed() -> None:
    commands = FakeCommands(done)
    creds = [{"url": "https://git.example", "username": "ci", "credentialsKind": "ssh key"}]
    link = answering(ListRepoCreds, creds, commands)
    added = holdfast(link, "repocreds", "add", "https://git.example", "--bearer-token", "hush")
    assert added.out == "Repository credentials for 'https://git.example' added\n"
    (asked,) = commands.asked
    assert isinstance(asked, PutRepoCreds)
    assert asked.values == {"url": "https://git.example", "bearerToken": "hush"}
    listed = holdfast(link, "repocreds", "list").out.splitlines()
    assert listed[0].split("  ")[0] == "URL PATTERN"
    assert listed[1].split() == ["https://git.example", "ci", "true", "false"]


def test_a_cluster_is_added_by_its_context(tmp_path: Path) -> None:
    config = tmp_path / "config"
    pem = base64.b64encode(b"a certificate").decode()
    config.write_text(
        "apiVersion: v1\nkind: Config\n"
        "clusters: [{name: c, cluster: {server: 'https://prod.example', "
        f"certificate-authority-data: {pem}}}}}]\n"
        "users: [{name: u, user: {token: hush}}, {name: x, user: {exec: "
        "{apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}]\n"
        "contexts: [{name: prod, context: {cluster: c, user: u}}, "
        "{name: cloud, context: {cluster: c, user: x}}]\n"
    )
    commands = FakeCommands(done)
    link = FakeLink(FakeQueries(), commands)
    flags = ("--kubeconfig", str(config), "--label", "tier=one", "--namespace", "a,b", "-y")
    result = holdfast(link, "cluster", "add", "prod", "--name", "eu", *flags)
    assert (result.code, result.out) == (0, "Cluster 'https://prod.example' added\n")
    assert result.err == "a note\n"
    (asked,) = commands.asked
    assert isinstance(asked, PutCluster)
    assert asked.tree == {
        "server": "https://prod.example",
        "name": "eu",
        "config": {"tlsClientConfig": {"insecure": False, "caData": pem}, "bearerToken": "hush"},
        "namespaces": ["a", "b"],
        "labels": {"tier": "one"},
    }
    assert "hush" not in repr(asked)
    refused = holdfast(link, "cluster", "add", "cloud", "--kubeconfig", str(config))
    assert refused.code == 20
    assert "signs in by a program of this machine" in refused.err
    wrong = holdfast(link, "cluster", "add", "prod", "--label", "x", "--kubeconfig", str(config))
    assert wrong.code == 1


def test_clusters_are_listed_as_argocd_lists_them() -> None:
    link = answering(ListClusters, CLUSTERS)
    lines = holdfast(link, "cluster", "list").out.splitlines()
    assert lines[0].split() == ["SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT"]
    assert lines[2].startswith("https://prod.example (2 namespaces)")
    assert holdfast(link, "cluster", "list", "-o", "server").out.splitlines()[1] == (
        "https://prod.example"
    )
    assert "name: prod" in holdfast(link, "cluster", "get", "prod").out
