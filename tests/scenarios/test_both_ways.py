"""Every command that prints JSON prints the same straight and through a server, on both planes.

A line is run both ways, and everything a person sees is compared byte for byte: stdout, stderr and
the exit code. Nothing is left out of the comparison but what `MOVING` names. A command with
`-o json` that is in no line fails `test_each_form_of_each_command_is_in_a_line`.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from holdfast.cli.documents import render
from holdfast.kit import yamlio
from tests.support.both_ways import desk_at
from tests.support.certificates import write_certificates
from tests.support.plant import REAL
from tests.support.process import sandbox_process
from tests.support.site import config_map
from tools.write_cli_reference import commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.cli.command import CommandSpec
    from tests.support.both_ways import Desk
    from tests.support.command_line import Result

READING = """
app get {calm} -o json
app get {calm} -o yaml
app get {calm} -o wide --show-operation --show-params
app get {web} -o tree
app get {web} -o tree=detailed
app get {held}
app get {behind}
app list -o json
app list -o yaml
app list -o name
app list -o wide
app list -l nobody=here -o json
app list -p default -c {server} -o name
app history {calm} -o wide
app history {calm} -o id
app history {calm} -o json
app history {calm} -o yaml
app diff {calm}
app diff {held}
app diff {behind}
app diff {calm} --revision {first}
app diff {calm} --revision {first} --exit-code=false
app manifests {web} -o yaml
app manifests {web} -o json
app manifests {web} --source live
app manifests {calm} --revision {first}
app resources {web}
app resources {web} -o json
app resources {web} -o yaml
app resources {web} -o tree
app resources {web} -o tree=detailed
app resources {web} --orphaned
app adopt {held} -o json
app adopt {held}
app adopt {calm} -o json
app adopt {calm} --diff
app actions list {web} -o json
app actions list {web} -o yaml
app actions list {web} --kind Deployment
app get-resource {web} --kind Deployment --resource-name web -o json
app get-resource {web} --kind Deployment --resource-name web -o yaml --show-managed-fields
app get-resource {web} --kind Secret --resource-name hush -o json
app get-resource {web} --kind Secret -o wide --filter-fields data,type
app get-resource {web} --kind Deployment -o json --filter-fields spec.replicas,metadata.name
handover {calm} --dry-run -o json
handover --all --dry-run
proj list -o json
proj list -o yaml
proj list -o name
proj list -o wide
proj get default -o json
proj get default -o yaml
proj get default -o wide
proj role list team -o json
proj role list team -o yaml
proj role list team -o wide
proj role list team -o name
proj role get team ci -o json
proj role get team ci -o yaml
proj role get team ci -o wide
proj role list-tokens team ci -o json
proj role list-tokens team ci -o yaml
proj role list-tokens team ci -o wide
proj role list-tokens team ci --unixtime
proj windows list team -o json
proj windows list team -o yaml
proj windows list team -o wide
repo list -o wide
repo list -o json
repo list -o yaml
repo list -o json --refresh hard
repo list -o yaml --refresh hard
repo list -o url
repo get {url} -o wide
repo get {url} -o json
repo get {url} -o yaml
repo get {url} -o json --refresh hard
repo get {url} -o yaml --refresh hard
repo get {url} -o url
repocreds list -o wide
repocreds list -o json
repocreds list -o yaml
repocreds list -o url
cluster list -o wide
cluster list -o json
cluster list -o yaml
cluster list -o server
cluster get in-cluster -o wide
cluster get in-cluster -o json
cluster get in-cluster -o yaml
cluster get {server} -o json
cluster get far -o json
cluster get far -o wide
pauses -o json
pauses
pauses --ended -o json
drift list -o json
drift list -o wide
drift list --app {calm} -o json
drift list --open
drift show {drift} -o json
drift show {drift}
drift stats -o json --since 2020-01-01T00:00:00Z
drift stats --since 2020-01-01T00:00:00Z
status -o json
status -o yaml
status -o wide
version -o json
version -o yaml
version -o wide
version -o short
"""
"""What only reads."""

PRINTED_AT = "2026-01-02T15:04:05.000000000Z"
LOGS = """
app logs {web}
app logs {web} --kind Deployment --name web --tail 2
app logs {web} --filter 3
app logs {web} --container nobody
"""

REFUSED = """
app get nothing -o json
app get {web} --kind
app history nothing
app diff nothing
app diff
app manifests nothing
app manifests {calm} --revision nowhere
app resources nothing
app logs nothing
app logs {web} --kind ConfigMap
app sync nothing
app wait nothing --timeout 5
app rollback nothing
app rollback {calm} 99
app rollback {held}
app delete nothing -y
app terminate-op {calm}
app confirm-deletion nothing
app edit nothing
app set nothing --self-heal
app unset nothing --nameprefix
app patch nothing --patch []
app patch {calm} --patch []]
app create {calm} --repo file:///nowhere --path x --dest-server {server} --dest-namespace x
app add-source {calm} --repo file:///nowhere --path x
app remove-source {calm} --source-position 1
app adopt nothing
app adopt {calm} --commit
app pause nothing --for 1h --reason x
app pause {calm} --for 8d --reason x
app pause {calm} --for 1h
app resume {calm}
app resume nothing
app actions list nothing
app actions list {calm} --kind Deployment
app actions run {web} dance --kind Deployment
app actions run {web} resume --kind Deployment --group apps
app actions run {web} scale --kind Deployment --param replicas=many
app get-resource {web}
app get-resource {web} --kind Pod --resource-name nobody
app patch-resource {calm} --kind ConfigMap --patch {{}}
app patch-resource {calm} --kind ConfigMap --resource-name one --patch []
app patch-resource {calm} --kind ConfigMap --resource-name one --patch {{"kind":1}}
app patch-resource {web} --kind Secret --patch {{"data":{{"password":"++++++++"}}}}
app delete-resource {calm} --kind ConfigMap
app delete-resource {calm} --kind Deployment
handover {calm}
handover nothing --dry-run
handover
proj get nothing -o json
proj delete nothing
proj delete default
proj create default --description other
proj pause nothing --for 1h --reason x
proj resume default
proj set team
proj set nothing --description x
proj add-destination team {server} team
proj remove-source team https://nowhere.example.com/x.git
proj allow-cluster-resource nothing apps Deployment
proj role get team nobody
proj role create team ci
proj edit nothing
proj role add-policy team ci -a sync -o *
proj role remove-group team ci nobody
proj windows add team -k deny
proj windows update team 7 --duration 2h
proj windows delete team x
proj windows update default 0 --duration 2h
proj windows enable-manual-sync default 0
cluster pause in-cluster --for 8d --reason x
cluster pause nowhere
cluster resume in-cluster
pause --all --for 8d --reason x
repo get https://nowhere.example.com/x.git
repo rm https://nowhere.example.com/x.git
repo add {url} --name other
repocreds rm https://nowhere.example.com
repocreds add javascript:x --username a
repo add javascript:x --username a
cluster get nowhere -o json
cluster rm nowhere
cluster add nowhere
resume nothing
drift show ffff -o json
drift show no-id
drift list --limit 0
notifications test nobody
"""
"""What is refused: the same words, whoever refuses."""

MOVING = (
    (r"(?m)(^\d{4}-\d\d-\d\dT\S+  .*\n)+", "rows of progress: how often the watch told something"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d| \+0000 UTC)", "done one after the other"),
    (r"Duration: +\S+", "in its own time"),
    (r" \d+m?\d*s ", "an age, some seconds later"),
)
"""What differs in the texts of two commands that both write, and why."""

MOVING_FIELDS = (
    (("metadata", "resourceVersion"), "the object is written by each"),
    (("metadata", "generation"), "and so counted by each"),
    (("metadata", "managedFields"), "who wrote is part of these"),
    (("status", "operationState", "operation", "initiatedBy"), "somebody who signed in, or not"),
)
"""What differs in the objects that they print. Lines that only read keep all of it."""

WRITING = """
app wait {calm} -o json
app wait {calm} -o yaml
app wait {calm} -o wide
app wait {web} --sync -o tree
app wait {web} --sync -o tree=detailed
app sync {calm} --dry-run -o json --timeout 30
app sync {calm} --dry-run -o yaml --timeout 30
app sync {calm} --dry-run -o wide --timeout 30
app sync {calm} --dry-run -o tree --timeout 30
app sync {calm} --dry-run -o tree=detailed --timeout 30
app patch {calm} --type merge --patch {{"metadata":{{"labels":{{"seen":"yes"}}}}}}
app set {calm} --self-heal
app actions run {web} restart --kind Deployment
app actions run {web} scale --kind Deployment --param replicas=1
app patch-resource {web} --kind Deployment --patch {{"metadata":{{"labels":{{"seen":"yes"}}}}}}
"""
"""What can be done twice, and leaves the same behind."""

CHANGING = """
proj create {project} -d {server},a -s https://git.example.com/a.git
proj set {project} --description shop --source-namespaces x,y
proj add-destination {project} {server} b --name in-cluster
proj remove-destination {project} {server} a
proj add-source {project} https://git.example.com/b.git
proj remove-source {project} https://git.example.com/a.git
proj add-source-namespace {project} z
proj remove-source-namespace {project} x
proj add-signature-key {project} 4AEE18F83AFDEB23
proj add-orphaned-ignore {project} apps ReplicaSet --name web-*
proj add-destination-service-account {project} {server} b robot --service-account-namespace c
proj allow-cluster-resource {project} rbac.authorization.k8s.io ClusterRole
proj allow-cluster-resource {project} rbac.authorization.k8s.io ClusterRoleBinding
proj deny-cluster-resource {project} rbac.authorization.k8s.io ClusterRoleBinding
proj deny-namespace-resource {project} apps Deployment
proj allow-namespace-resource {project} apps StatefulSet -l allow
proj role create {project} ci --description builds
proj role add-policy {project} ci -a sync -o *
proj role add-policy {project} ci -a get -o *
proj role remove-policy {project} ci -a get -o *
proj role add-group {project} ci builders
proj role create {project} other
proj role delete {project} other
proj windows add {project} -k allow --schedule {nightly} --duration 1h --namespaces b
proj windows add {project} -k deny --schedule {hourly} --duration 1m --clusters *
proj windows update {project} 0 --duration 2h --time-zone Europe/Berlin
proj windows enable-manual-sync {project} 0
proj windows enable-sync-overrun {project} 0
proj windows disable-manual-sync {project} 0
proj windows disable-sync-overrun {project} 0
proj remove-signature-key {project} 4AEE18F83AFDEB23
proj remove-orphaned-ignore {project} apps ReplicaSet --name web-*
proj remove-destination-service-account {project} {server} b robot --service-account-namespace c
proj windows delete {project} 1
"""
"""Done to one project straight, to another one through the server: both are the same then."""

MANUAL = ("app rollback",)
"""Refused while automatic sync is on: `test_a_rollback_goes_through`."""


ELSEWHERE = {
    "login": "test_contexts_and_the_end_of_a_session",
    "logout": "test_contexts_and_the_end_of_a_session",
    "context": "test_contexts_and_the_end_of_a_session",
    "relogin": "test_contexts_and_the_end_of_a_session",
    "proj role create-token": "a server signs them: test_a_day_of_work_goes_through_a_server",
    "proj role delete-token": "the same",
    "install": "tests/scenarios/test_install.py: it goes straight, whatever is signed in to",
}
"""Commands without a line, and where they are shown."""


def lines(table: str) -> list[str]:
    return table.strip().splitlines()


@pytest.fixture(scope="module", params=["sandbox", REAL])
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    if request.param == "real":
        with desk_at(request.getfixturevalue("real_plane").kubeconfig, folder) as desk:
            yield desk
        return
    with sandbox_process() as kubeconfig, desk_at(kubeconfig, folder) as desk:
        yield desk


def same(desk: Desk, line: str, *, moving: bool = False) -> tuple[str, str] | None:
    """Runs a line both ways; returns both transcripts when they differ.

    Ages and countdowns tick between the two: what differs each of five times differs.
    """
    one = other = ""
    for _ in range(5):
        one, other = (shown(way(line), moving) for way in (desk.straight, desk.through))
        if one == other:
            return None
    return one, other


def shown(result: Result, moving: bool) -> str:
    text = result.transcript
    if "--core" in result.err or "HF9001" in result.err:
        return f"not carried through: {text}"
    if not moving:
        return text
    if result.out.startswith(("{", "apiVersion:")):
        form = "json" if result.out.startswith("{") else "yaml"
        tree = yamlio.load_one(result.out)
        for path, _why in MOVING_FIELDS:
            forget(tree, path)
        text = replace(result, out=render(tree, form)).transcript
    for pattern, _why in MOVING:
        text = re.sub(pattern, " (moves) ", text)
    return text


def forget(tree: Any, path: tuple[str, ...]) -> None:
    *above, last = path
    for step in above:
        tree = tree.get(step) or {}
    tree.pop(last, None)


def differences(desk: Desk, table: str, *, moving: bool = False) -> dict[str, tuple[str, str]]:
    found = {line: same(desk, line, moving=moving) for line in lines(table)}
    return {line: pair for line, pair in found.items() if pair is not None}


def test_what_only_reads_prints_the_same_both_ways(desk: Desk) -> None:
    drifts = desk.ok("drift list -o wide").splitlines()
    desk.names["drift"] = drifts[-1].split()[0]
    assert differences(desk, READING) == {}
    codes = {line: desk.through(line).code for line in lines(READING)}
    assert {line for line, code in codes.items() if code} == {
        "app diff {held}", "app diff {behind}", "app diff {calm} --revision {first}"
    }  # fmt: skip


def test_logs_are_the_same_both_ways(desk: Desk, request: pytest.FixtureRequest) -> None:
    """On the real plane kwok prints them; the sandbox runs no containers, and says so."""
    is_real = "real" in request.node.callspec.id
    if is_real:
        log = request.getfixturevalue("real_plane").log_of("printer-c")
        log.write_text("".join(f"{PRINTED_AT} stdout F line {number}\n" for number in range(4)))
    assert differences(desk, LOGS) == {}
    printed = desk.through("app logs {web} --tail 2")
    said = (0, "line 2\nline 3\n") if is_real else (20, "")
    assert (printed.code, printed.out) == said


def test_what_is_refused_is_refused_in_the_same_words(desk: Desk) -> None:
    assert differences(desk, REFUSED) == {}


def test_what_is_done_says_the_same_both_ways(desk: Desk) -> None:
    assert differences(desk, WRITING, moving=True) == {}


def test_projects_are_changed_the_same_both_ways(desk: Desk) -> None:
    results = {}
    desk.names.update(nightly="0 22 * * *", hourly="0 * * * *")
    for project, way in (("one", desk.straight), ("two", desk.through)):
        desk.names["project"] = f"team-{project}"
        said = [way(line).transcript for line in lines(CHANGING)]
        spec = yamlio.load_one(way("proj get {project} -o yaml").out)["spec"]
        results[project] = render({"said": said, "spec": spec}, "json").replace(
            f"team-{project}", "team"
        )
    assert results["one"] == results["two"]
    assert results["one"].count("exit 0") == len(lines(CHANGING)), results["one"]
    for name in ("team-one", "team-two"):
        desk.ok(f"proj delete {name}")


def test_a_day_of_work_goes_through_a_server(desk: Desk) -> None:
    spare = desk.spare
    assert spare is not None
    desk.names["spare"] = spare.name
    said = desk.ok("app sync {spare} --timeout 30")
    assert "Phase:              Succeeded" in said
    spare.commit({"s.yaml": config_map("spare", a="2")})
    assert desk.through("app diff {spare} --refresh").code == 1
    synced = json.loads(desk.ok("app sync {spare} --timeout 30 -o json"))
    operation = synced["status"]["operationState"]["operation"]
    assert operation["initiatedBy"]["username"] == "admin"
    assert desk.ok("app history {spare} -o id") == "0\n1\n"
    desk.ok("app pause {spare} --for 30m --reason looking")
    patch = '{"data":{"a":"3"}}'
    desk.ok("app patch-resource {spare} --kind ConfigMap --patch", patch)
    adopted = json.loads(desk.ok("app adopt {spare} --branch by-hand -m fix -o json"))
    assert [one["field"] for one in adopted["adopted"]] == ["data.a"]
    assert "resumed" in desk.ok("app resume {spare}")
    desk.ok("app rollback {spare} 0 --timeout 30 -o json")
    shown = desk.ok("app get-resource {spare} --kind ConfigMap --filter-fields data.a")
    assert shown.splitlines()[1].split() == ["data.a", "spare", "1"]
    assert "deleted" in desk.ok("app delete {spare} -y --wait")
    desk.ok("proj role create-token team ci --id second")
    listed = json.loads(desk.ok("proj role list-tokens team ci -o json"))
    issued = next(one["iat"] for one in listed if one["id"] == "second")
    desk.ok(f"proj role delete-token team ci {issued}")
    assert "second" not in desk.ok("proj role list-tokens team ci -o json")
    assert "HF3003" in desk.through("app get {spare}").err


def test_contexts_and_the_end_of_a_session(desk: Desk, tmp_path: Path) -> None:
    config, name = tmp_path / "config", desk.address
    assert desk.sign_in(config) == (f"'admin' logged in successfully\nContext '{name}' updated\n")
    assert config.stat().st_mode & 0o777 == 0o600

    def typed(line: str) -> Result:
        return desk.type(f"{line} --config {config}")

    assert name in typed("context").out
    assert "Username: admin" in typed("account get-user-info").out
    assert typed("account can-i sync applications default/web").out == "yes\n"
    again = desk.type(f"relogin --config {config}", "--password", desk.names["password"])
    assert again.code == 0, again.transcript
    assert "Username: admin" in typed("account get-user-info").out
    assert typed(f"logout {name}").out == f"Logged out from '{name}'\n"
    refused = typed("app list")
    assert (refused.code, "HF3015" in refused.err) == (20, True)
    assert f"holdfast login {name}" in refused.err
    assert typed(f"context {name} --delete").out.endswith("deleted\n")


def asked() -> Iterator[tuple[str, CommandSpec]]:
    """Each command that a server can be asked for, from the tree of commands itself."""
    for name, spec in commands():
        if spec.reaches_cluster and not spec.serves:
            yield name, spec


def is_of(name: str, line: str) -> bool:
    return f"{line} ".startswith(f"{name} ")


def test_each_form_of_each_command_is_in_a_line() -> None:
    typed = lines(READING) + lines(WRITING) + lines(ACCOUNTS)
    missing = [
        f"{name} -o {form}"
        for name, spec in asked()
        for flag in spec.flags
        if flag.name == "output" and name not in MANUAL
        for form in flag.choices
        if not any(is_of(name, line) and f" -o {form} " in f"{line} " for line in typed)
    ]
    assert missing == []


def test_each_command_is_in_a_line() -> None:
    tables = (READING, LOGS, REFUSED, WRITING, CHANGING, ACCOUNTS)
    typed = [line for table in tables for line in lines(table)]
    missing = {name for name, _ in asked() if not any(is_of(name, line) for line in typed)}
    assert missing == set(ELSEWHERE)


ACCOUNTS = """
account list -o json
account list -o yaml
account list -o wide
account get -o json
account get -o yaml
account get -o wide
account get --account nobody
account get-user-info -o json
account get-user-info -o yaml
account get-user-info
account session-token -o json
account session-token
account can-i sync applications default/web
account can-i dance applications default/web
account generate-token --id x
account delete-token nothing
account update-password --account nobody --current-password x --new-password short
"""
"""What only a server has: the same by the current context and by `--server`."""


def test_accounts_are_the_same_by_context_and_by_address(desk: Desk) -> None:
    different = {}
    for line in lines(ACCOUNTS):
        one, other = desk.by_context(line).transcript, desk.through(line).transcript
        if one != other:
            different[line] = (one, other)
    assert different == {}
    nowhere = desk.straight("account list -o json")
    assert (nowhere.code, "none is named" in nowhere.err) == (20, True)


def test_who_may_nothing_is_told_the_same_of_what_is_there_and_what_is_not(desk: Desk) -> None:
    token = desk.ok("account generate-token --account bob").strip()
    there, missing = (
        desk.at(desk.address, line, "--plaintext", "--auth-token", token)
        for line in ("app get {calm}", "app get nothing")
    )
    assert there.code == missing.code == 20
    assert there.err == missing.err
    assert "HF2002" in there.err
    assert "permission denied" in there.err
    assert "holdfast account get-user-info" in there.err


def test_an_expired_session_names_the_way_back(desk: Desk) -> None:
    expired = jwt.encode(
        {"iss": "argocd", "sub": "admin:login", "iat": 1, "nbf": 1, "exp": 2, "jti": "x"},
        desk.names["key"], "HS256",
    )  # fmt: skip
    said = desk.through("app list", "--auth-token", expired)
    assert said.code == 20
    assert "HF3015" in said.err
    assert "token is expired" in said.err
    assert said.err.endswith("hint: holdfast relogin\n")
    stranger = desk.at(desk.address, "app list", "--plaintext", "--auth-token", expired)
    assert stranger.err.endswith(f"hint: holdfast login {desk.address}\n")


def test_a_wrong_address_and_wrong_tls_name_the_flag_that_helps(
    desk: Desk, tls_server: str
) -> None:
    hints = {
        desk.at("127.0.0.1:1", "app list", "--plaintext"): "look at the address and its port",
        desk.at(desk.address, "app list"): "--plaintext",
        desk.at(tls_server, "app list"): "--server-crt",
        desk.at(tls_server, "app list", "--plaintext"): "leave --plaintext out",
    }
    for said, hint in hints.items():
        assert said.code == 20
        assert "HF2001" in said.err
        assert "kubeconfig" not in said.err
        assert hint in said.err.partition("hint: ")[2], said.err


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[str]:
    """Something with a certificate that nobody knows; it never answers a request."""
    write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
