"""Arguments are read as Go's pflag reads them (docs/internals/argocd/api.md §4)."""

from __future__ import annotations

import pytest

from holdfast.cli.pflag import Flag, FlagKind, UsageError, parse

FLAGS = (
    Flag("self-heal", "", FlagKind.SWITCH),
    Flag("cascade", "", FlagKind.SWITCH, default="true"),
    Flag("yes", "", FlagKind.SWITCH, short="y"),
    Flag("force", "", FlagKind.SWITCH, short="f"),
    Flag("policy", "", short="p", choices=("foreground", "background")),
    Flag("timeout", "", FlagKind.NUMBER, default="0"),
    Flag("project", "", FlagKind.STRINGS),
    Flag("parameter", "", FlagKind.LINES, short="P"),
)


@pytest.mark.parametrize(
    ("argv", "name", "expected"),
    [
        pytest.param(["--self-heal"], "self-heal", True, id="a bare switch is true"),
        pytest.param(["--self-heal=false"], "self-heal", False, id="a switch takes =false"),
        pytest.param(["--self-heal=1"], "self-heal", True, id="a switch takes =1"),
        pytest.param(["--cascade=false"], "cascade", False, id="a switch can default to true"),
        pytest.param([], "cascade", True, id="the default of a switch holds"),
        pytest.param(["-y"], "yes", True, id="a short switch"),
        pytest.param(["-yf"], "force", True, id="short switches are grouped"),
        pytest.param(["-y=false"], "yes", False, id="a short switch takes =false"),
        pytest.param(["--yes", "--yes=false"], "yes", False, id="the last one wins"),
    ],
)
def test_a_switch_is_read_as_pflag_reads_it(argv: list[str], name: str, expected: bool) -> None:
    assert parse(argv, FLAGS).values.switch(name) is expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        pytest.param(["-p", "foreground"], "foreground", id="short, next word"),
        pytest.param(["-pbackground"], "background", id="short, attached"),
        pytest.param(["-p=background"], "background", id="short, equals"),
        pytest.param(["-yp", "background"], "background", id="grouped behind a switch"),
        pytest.param(["--policy", "background"], "background", id="long, next word"),
        pytest.param(["--policy=background"], "background", id="long, equals"),
    ],
)
def test_a_value_is_read_in_every_form(argv: list[str], expected: str) -> None:
    assert parse(argv, FLAGS).values.text("policy") == expected


def test_a_switch_never_takes_the_next_argument() -> None:
    parsed = parse(["--self-heal", "false", "web"], FLAGS)
    assert parsed.values.switch("self-heal") is True
    assert parsed.arguments == ("false", "web")


def test_flags_and_arguments_may_be_mixed_until_a_double_dash() -> None:
    parsed = parse(["web", "--yes", "api", "--", "--force", "-x"], FLAGS)
    assert parsed.arguments == ("web", "api", "--force", "-x")
    assert not parsed.values.is_given("force")


def test_a_single_dash_is_an_argument() -> None:
    assert parse(["-"], FLAGS).arguments == ("-",)


def test_a_list_is_repeated_or_separated_by_commas() -> None:
    parsed = parse(["--project", "a,b", "--project=c"], FLAGS)
    assert parsed.values.texts("project") == ("a", "b", "c")


def test_a_comma_stays_in_values_that_are_given_one_by_one() -> None:
    parsed = parse(["-P", "args=1,2", "--parameter=x=y"], FLAGS)
    assert parsed.values.texts("parameter") == ("args=1,2", "x=y")


def test_what_was_typed_is_told_from_defaults() -> None:
    values = parse(["--timeout", "0"], FLAGS).values
    assert values.is_given("timeout")
    assert not values.is_given("cascade")
    assert values.number("timeout") == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["--nope"], "unknown flag: --nope", id="unknown flag"),
        pytest.param(["-yx"], "unknown shorthand flag: 'x' in -yx", id="unknown letter"),
        pytest.param(["--policy"], "flag needs an argument: --policy", id="no value"),
        pytest.param(["-p"], "flag needs an argument: 'p' in -p", id="no value, short"),
        pytest.param(["--timeout=x"], 'invalid argument "x" for "--timeout" flag', id="no number"),
        pytest.param(["--yes=so"], 'invalid argument "so" for "-y, --yes" flag', id="no switch"),
        pytest.param(["-p", "x"], "it is one of foreground, background", id="no choice"),
    ],
)
def test_what_cannot_be_read_is_said_in_pflags_words(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        parse(argv, FLAGS)
