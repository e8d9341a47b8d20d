"""`proj set|edit|add-…`, `proj role`, `proj windows`: what becomes of a project's spec."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.commands import Command, Done, UpdateProject
from holdfast.domain.errors import ClusterError
from holdfast.domain.queries import GetProject, GetProjectWindows
from tests.support.command_line import Result, holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries

Tree = dict[str, Any]


def link(spec: Tree, *conflicts: ClusterError) -> FakeLink:
    """A project `team`; writing fails as often as conflicts are given."""
    queries, refusals = FakeQueries(), list(conflicts)
    metadata = {"name": "team", "namespace": "argocd", "resourceVersion": "7", "uid": "u"}
    queries.answers = {
        GetProject: {"metadata": metadata, "spec": spec},
        GetProjectWindows: (spec.get("syncWindows") or [])[:1],
    }

    def answer(_command: Command) -> Done:
        if refusals:
            raise refusals.pop()
        return Done("updated")

    return FakeLink(queries, FakeCommands(answer))


def spec_after(asked: FakeLink) -> Tree:
    command = asked.commands.asked[-1]
    assert isinstance(command, UpdateProject)
    spec: Tree = command.manifest["spec"]
    return spec


def refused(asked: FakeLink, *words: str) -> str:
    result: Result = holdfast(asked, "proj", *words)
    assert (result.code, asked.commands.asked) == (1, [])
    return result.err


def test_a_change_is_written_in_the_version_that_was_read() -> None:
    asked = link({"sourceRepos": ["a"]})
    assert holdfast(asked, "proj", "add-source", "team", "b").code == 0
    [command] = asked.commands.asked
    assert isinstance(command, UpdateProject)
    kept = {"name": "team", "namespace": "argocd", "resourceVersion": "7"}
    assert command.manifest["metadata"] == kept
    assert spec_after(asked) == {"sourceRepos": ["a", "b"]}


def test_a_change_is_made_again_where_somebody_else_was_faster() -> None:
    asked = link({}, ClusterError("HF2004", "another one was faster"))
    assert holdfast(asked, "proj", "set", "team", "--description", "shop").code == 0
    assert len(asked.commands.asked) == 2
    other = link({}, ClusterError("HF2002", "forbidden"))
    assert holdfast(other, "proj", "set", "team", "--description", "shop").code == 20


def test_what_is_there_already_or_is_not_there_is_refused() -> None:
    spec = {"sourceRepos": ["a"], "roles": [{"name": "ci"}]}
    assert "a is already defined" in refused(link(spec), "add-source", "team", "a")
    assert "b does not exist" in refused(link(spec), "remove-source", "team", "b")
    assert "'ci' already exists" in refused(link(spec), "role", "create", "team", "ci")
    assert "role list team" in refused(link(spec), "role", "delete", "team", "cd")


def test_a_rule_of_a_role_has_the_form_of_argo_cd() -> None:
    asked = link({"roles": [{"name": "ci"}]})
    words = ("proj", "role", "add-policy", "team", "ci", "-a", "sync", "-o", "web-*")
    assert holdfast(asked, *words, "-p", "deny").code == 0
    rule = "p, proj:team:ci, applications, sync, team/web-*, deny"
    assert spec_after(asked)["roles"] == [{"name": "ci", "policies": [rule]}]
    assert "not set" in refused(link({}), "role", "add-policy", "team", "ci", "-a", "sync")


def test_allowing_adds_to_one_list_or_takes_from_the_other() -> None:
    kind = {"group": "apps", "kind": "Deployment"}
    words = ("apps", "Deployment")
    denied = link({})
    holdfast(denied, "proj", "deny-namespace-resource", "team", *words)
    assert spec_after(denied) == {"namespaceResourceBlacklist": [kind]}
    allowed = link({"namespaceResourceBlacklist": [kind]})
    holdfast(allowed, "proj", "allow-namespace-resource", "team", *words)
    assert spec_after(allowed) == {"namespaceResourceBlacklist": []}
    listed = link({})
    holdfast(listed, "proj", "allow-cluster-resource", "team", *words, "web")
    assert spec_after(listed) == {"clusterResourceWhitelist": [{**kind, "name": "web"}]}


def test_a_window_needs_a_schedule_and_something_that_it_is_about() -> None:
    words = ("windows", "add", "team", "-k", "deny", "--schedule", "@daily")
    assert '"duration"' in refused(link({}), *words)
    assert "--applications" in refused(link({}), *words, "--duration", "1h")
    asked = link({})
    holdfast(asked, "proj", *words, "--duration", "1h", "--applications", "a,b", "--manual-sync")
    assert spec_after(asked)["syncWindows"] == [
        {
            "timeZone": "UTC", "kind": "deny", "schedule": "@daily", "duration": "1h",
            "applications": ["a", "b"], "manualSync": True,
        }
    ]  # fmt: skip


def test_windows_are_listed_with_their_number_and_whether_they_are_active() -> None:
    window = {"kind": "deny", "schedule": "@daily", "duration": "1h", "applications": ["*"]}
    asked = link({"syncWindows": [window, {**window, "kind": "allow"}]})
    shown = holdfast(asked, "proj", "windows", "list", "team").out.splitlines()
    assert [line.split()[:3] for line in shown[1:]] == [
        ["0", "Active", "deny"], ["1", "Inactive", "allow"]
    ]  # fmt: skip
    holdfast(asked, "proj", "windows", "delete", "team", "0")
    assert [one["kind"] for one in spec_after(asked)["syncWindows"]] == ["allow"]
    assert "no window 2" in refused(
        link({"syncWindows": [window]}), "windows", "delete", "team", "2"
    )


def test_a_project_is_edited_in_an_editor(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\necho 'description: shop' > \"$1\"\n")
    editor.chmod(0o700)
    asked = link({"description": "before"})
    environ = {"EDITOR": str(editor), "PATH": "/usr/bin:/bin"}
    assert holdfast(asked, "proj", "edit", "team", environ=environ).code == 0
    assert spec_after(asked) == {"description": "shop"}


@pytest.mark.parametrize("text", ["description: [shop", "a: 1\n---\nb: 2", "description: shop"])
def test_an_edit_that_cannot_be_written_keeps_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = tmp_path / "source"
    source.write_text(text)
    editor = {"EDITOR": f"cp {source}", "PATH": "/usr/bin:/bin"}
    asked = link({}, *[ClusterError("HF2002", "forbidden")] * 2)
    result = holdfast(asked, "proj", "edit", "team", environ=editor)
    assert result.code in (1, 20)
    kept = re.search(r"your text is kept in (\S+)", result.err)
    assert kept is not None
    assert Path(kept[1]).read_text() == text
