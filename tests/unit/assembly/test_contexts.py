"""Servers that a person has signed in to, and which one a command goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.assembly.chosen_server import ChosenServer
from holdfast.assembly.contexts import ContextFile, Server, find_server
from holdfast.domain.errors import ConfigurationError
from holdfast.kit import yamlio

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def signed_in(home: dict[str, str], *servers: Server) -> ContextFile:
    """A file with these contexts; the last one is current."""
    file = ContextFile.read("", home)
    for server in servers:
        file.put(server.context, server)
    file.save()
    return file


ONE = Server("one:443", token="a.b.c", context="one")
TWO = Server("two:8080", plaintext=True, token="d.e.f", context="two")


def test_without_a_server_commands_go_straight(home: dict[str, str]) -> None:
    assert find_server(ChosenServer(), home) is None


def test_the_current_context_counts_until_something_else_is_named(home: dict[str, str]) -> None:
    signed_in(home, ONE, TWO)
    assert find_server(ChosenServer(), home) == TWO
    assert find_server(ChosenServer(context="one"), home) == ONE
    assert find_server(ChosenServer(address="one:443"), home) == ONE
    assert find_server(ChosenServer(), {**home, "HOLDFAST_SERVER": "one:443"}) == ONE
    assert find_server(ChosenServer(is_off=True), home) is None


def test_a_root_path_is_part_of_the_address_or_a_flag(home: dict[str, str]) -> None:
    below = Server("cd:443/holdfast", token="a.b.c", context="cd:443/holdfast")
    signed_in(home, TWO, below)
    for chosen in (
        ChosenServer(),
        ChosenServer(address="cd:443/holdfast"),
        ChosenServer(address="cd:443", root_path="/holdfast/"),
        ChosenServer(root_path="other"),  # what is known has its own
    ):
        assert find_server(chosen, home) == below
    other = find_server(ChosenServer(context="two", root_path="/x"), home)
    assert other is not None
    assert other.url == "http://two:8080/x"


def test_a_token_that_is_given_wins(home: dict[str, str]) -> None:
    signed_in(home, ONE)
    environ = {**home, "HOLDFAST_AUTH_TOKEN": "env"}
    found = find_server(ChosenServer(), environ)
    assert found is not None
    assert found.token == "env"
    found = find_server(ChosenServer(token="flag"), environ)
    assert found is not None
    assert found.token == "flag"


def test_a_token_goes_to_no_other_server(home: dict[str, str]) -> None:
    signed_in(home, ONE)
    found = find_server(ChosenServer(address="elsewhere:443"), home)
    assert found is not None
    assert found.token == ""


def test_argo_cds_variables_do_not_count(home: dict[str, str]) -> None:
    environ = {**home, "ARGOCD_SERVER": "cd.example.com", "ARGOCD_AUTH_TOKEN": "x"}
    assert find_server(ChosenServer(), environ) is None


def test_the_file_is_for_its_owner_alone(home: dict[str, str], tmp_path: Path) -> None:
    file = signed_in(home, ONE)
    assert file.path == tmp_path / ".config" / "holdfast" / "config"
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="mode is 0644") as caught:
        ContextFile.read("", home)
    assert caught.value.hint == f"chmod 600 {file.path}"


def test_what_other_programs_keep_in_the_file_stays(home: dict[str, str]) -> None:
    file = signed_in(home, ONE)
    tree = yamlio.load_one(file.path.read_text())
    tree["servers"][0]["grpc-web"] = True
    tree["prompts-enabled"] = True
    file.path.write_text(yamlio.dump(tree))
    again = signed_in(home, Server("one:443", token="new", context="one"))
    assert again.tree["servers"] == [{**tree["servers"][0], "grpc-web": True}]
    assert again.tree["prompts-enabled"] is True


def test_a_dash_goes_back_to_the_context_before(home: dict[str, str]) -> None:
    file = signed_in(home, ONE, TWO)
    assert file.switch("one") == "one"
    assert file.switch("-") == "two"
    with pytest.raises(ConfigurationError, match='no context "three"'):
        file.switch("three")


def test_a_context_goes_with_its_user_and_its_server(home: dict[str, str]) -> None:
    file = signed_in(home, ONE, TWO)
    assert file.delete("two")
    assert not file.delete("two")
    assert file.current == ""
    assert file.names() == [("one", "one:443")]
    assert [one["name"] for one in file.tree["users"]] == ["one"]
    assert [one["server"] for one in file.tree["servers"]] == ["one:443"]


@pytest.mark.parametrize(
    ("address", "plaintext", "url"),
    [
        ("cd.example.com", False, "https://cd.example.com:443"),
        ("cd.example.com:8443", False, "https://cd.example.com:8443"),
        ("localhost:8080", True, "http://localhost:8080"),
        ("[::1]:8080", True, "http://[::1]:8080"),
        ("[::1]", False, "https://[::1]:443"),
        ("cd.example.com/holdfast", False, "https://cd.example.com:443/holdfast"),
        ("[::1]:8080/a/b/", True, "http://[::1]:8080/a/b"),
    ],
)
def test_an_address_without_a_port_is_443(address: str, plaintext: bool, url: str) -> None:
    assert Server(address, plaintext=plaintext).url == url


def test_a_header_cannot_bring_another_one_along(home: dict[str, str]) -> None:
    chosen = ChosenServer(address="a", headers=("X: y\r\nZ: 1",))
    with pytest.raises(ConfigurationError, match="give NAME: VALUE"):
        find_server(chosen, home)
