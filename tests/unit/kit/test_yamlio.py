"""YAML means here what it means to Kubernetes."""

from typing import Any

import pytest

from holdfast.kit import yamlio


def one(text: str) -> Any:
    return yamlio.load_one(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        pytest.param("yes", True, id="yes is true"),
        pytest.param("Off", False, id="Off is false"),
        pytest.param("y", True, id="a lonely y is true"),
        pytest.param("yEs", "yEs", id="odd case is text"),
        pytest.param("'yes'", "yes", id="quoted yes is text"),
        pytest.param("!!str yes", "yes", id="tagged yes is text"),
        pytest.param("0777", 511, id="leading zero is octal"),
        pytest.param("0o17", 15, id="0o is octal"),
        pytest.param("0x1F", 31, id="0x is hexadecimal"),
        pytest.param("0b11", 3, id="0b is binary"),
        pytest.param("08", 8, id="08 is no octal but a float, and whole"),
        pytest.param("1_000", 1000, id="underscores group digits"),
        pytest.param("1.0", 1, id="a whole float is an integer in JSON"),
        pytest.param("1e3", 1000, id="an exponent makes a number"),
        pytest.param(".5", 0.5, id="a point may come first"),
        pytest.param("1:30", "1:30", id="no sexagesimal numbers"),
        pytest.param("2020-01-01", "2020-01-01", id="no dates"),
        pytest.param("1.2.3", "1.2.3", id="a version is text"),
        pytest.param("~", None, id="tilde is null"),
        pytest.param("", None, id="nothing is null"),
        pytest.param("12345678901234567890", 12345678901234567890.0, id="beyond int64 is a float"),
    ],
)
def test_a_plain_word_means_what_kubectl_reads(text: str, meaning: object) -> None:
    """Each row was compared with `kubectl label --local -o json`."""
    value = one(f"key: {text}")["key"]
    assert value == meaning
    assert type(value) is type(meaning)


def test_keys_become_text() -> None:
    assert one("on: 1\n5: 2\n2.5: 3\n") == {"true": 1, "5": 2, "2.5": 3}


def test_merge_keys_fill_in_what_is_missing() -> None:
    text = "base: &b {x: 1, y1: 2}\nmore: {<<: *b, x: 3}\n"
    assert one(text)["more"] == {"x": 3, "y1": 2}


def test_an_alias_is_a_copy() -> None:
    tree = one("a: &a {x: [1]}\nb: *a\n")
    tree["a"]["x"].append(2)
    assert tree["b"] == {"x": [1]}


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", "first on line 1", 3, id="a key twice"),
        pytest.param("a: 1\n b: 2: 3\n", "not allowed", 2, id="bad indentation"),
        pytest.param("a:\n  - 'x\n", "unexpected end", 3, id="an open quote"),
        pytest.param("a: &a [*a]", "contains itself", 1, id="an alias to itself"),
        pytest.param("a: *b", "no anchor", 1, id="an alias to nothing"),
        pytest.param("[" * 300, "deeper than 200", 1, id="too deep"),
        pytest.param("a: .inf", "no JSON form", 1, id="infinity"),
        pytest.param("a: !!int x", "not what its tag", 1, id="a wrong tag"),
        pytest.param("? {a: 1}\n: 2\n", "a mapping or a list", 1, id="a mapping as key"),
        pytest.param("a: b\x01", "control characters", 1, id="control characters"),
    ],
)
def test_what_does_not_parse_is_named_by_line(text: str, reason: str, line: int) -> None:
    with pytest.raises(yamlio.YamlError) as caught:
        one(text)
    assert reason in caught.value.reason
    assert caught.value.line == line


def test_an_error_never_quotes_the_text() -> None:
    with pytest.raises(yamlio.YamlError) as caught:
        one("password: hunter2\npassword: hunter3: x\n")
    assert "hunter" not in str(caught.value)


def test_aliases_cannot_blow_up() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
    )
    with pytest.raises(yamlio.YamlError, match="more than 10000 values"):
        list(yamlio.load_all(bomb, yamlio.YamlLimits(nodes=10_000)))


def test_documents_before_a_broken_one_are_given_with_their_lines() -> None:
    documents = yamlio.load_all("a: 1\n---\n# nothing\n---\n\nb: 2\n---\nc: [\n")
    assert [(d.value, d.line, d.number) for d in (next(documents) for _ in range(3))] == [
        ({"a": 1}, 1, 1),
        (None, 4, 2),
        ({"b": 2}, 6, 3),
    ]
    with pytest.raises(yamlio.YamlError):
        next(documents)


def test_json_keeps_every_value_of_a_text() -> None:
    assert yamlio.load_json("\ufeff".encode() + b'{"a": 1.0} [2]\n') == [{"a": 1}, [2]]


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        pytest.param('{"a": 1,\n}', "column", 2, id="a comma too many"),
        pytest.param('{"a": 1, "a": 2}', "twice", 1, id="a key twice"),
        pytest.param('{"a": NaN}', "not JSON", 1, id="not a number"),
        pytest.param("[" * 100_000, "deeper", 1, id="too deep"),
        pytest.param("[" * 250 + "]" * 250, "deeper", 1, id="deeper than allowed"),
    ],
)
def test_broken_json_is_named_by_line(text: str, reason: str, line: int) -> None:
    with pytest.raises(yamlio.YamlError) as caught:
        yamlio.load_json(text)
    assert reason in caught.value.reason
    assert caught.value.line == line


@pytest.mark.parametrize("text", [".inf", ".Inf", "-.INF", ".nan", ".NaN"])
def test_a_text_that_reads_as_no_number_of_json_is_quoted(text: str) -> None:
    assert yamlio.dump({text: text}) == f'"{text}": "{text}"\n'


def test_yaml_is_printed_as_kubectl_prints_it() -> None:
    """The expected text is kubectl's own output for this object."""
    tree = {
        "metadata": {"name": "a", "annotations": {"e": "line1\nline2\n", "a10": "yes", "a2": "08"}},
        "list": [{"b": 1, "a": None}, [1, "x"], {}, []],
        "f": 1.5,
        "t": "2020-01-01",
        "s": "*x",
        "k": "",
        "ok": True,
    }
    assert yamlio.dump(tree) == (
        'f: 1.5\nk: ""\nlist:\n- a: null\n  b: 1\n- - 1\n  - x\n- {}\n- []\n'
        'metadata:\n  annotations:\n    a2: "08"\n    a10: "yes"\n    e: |\n      line1\n'
        "      line2\n  name: a\nok: true\ns: '*x'\nt: \"2020-01-01\"\n"
    )
