"""Quantities, as the API server stores them (checked against a real one, see tests/contract)."""

import pytest

from holdfast.schema.quantities import canonical_quantity, parse_quantity, same_quantity

CANONICAL = [
    ("1000m", "1"),
    ("0.5", "500m"),
    ("1.5", "1500m"),
    (2, "2"),
    (0.25, "250m"),
    ("1024Mi", "1Gi"),
    ("1.5Gi", "1536Mi"),
    ("1000Mi", "1000Mi"),
    ("1023", "1023"),
    ("1024", "1024"),
    ("1Ki", "1Ki"),
    ("0.5Ki", "512"),
    ("0.0001Ki", "102400u"),
    ("1000k", "1M"),
    ("12300", "12300"),
    ("123000", "123k"),
    ("1e3", "1e3"),
    ("12E4", "120e3"),
    ("1e0", "1"),
    ("1E", "1E"),
    ("0", "0"),
    ("0Gi", "0"),
    ("-1500m", "-1500m"),
    ("+1", "1"),
    ("01", "1"),
    ("1.", "1"),
    (".5", "500m"),
    ("0.1n", "1n"),
    ("100u", "100u"),
    ("9999999999999999999", "9223372036854775807"),
    ("16Ei", "9223372036854775807"),
]


@pytest.mark.parametrize(("written", "stored"), CANONICAL)
def test_a_quantity_is_stored_in_its_canonical_form(written: str | float, stored: str) -> None:
    assert canonical_quantity(written) == stored


@pytest.mark.parametrize("stored", sorted({stored for _, stored in CANONICAL}))
def test_the_canonical_form_is_stable(stored: str) -> None:
    assert canonical_quantity(stored) == stored


@pytest.mark.parametrize("broken", ["", ".", "1x", "Gi", "1gi", "1 Gi", "--1", "1e", "1eE3"])
def test_what_is_no_quantity_is_refused_in_the_servers_words(broken: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        parse_quantity(broken)


def test_amounts_compare_across_notations() -> None:
    assert same_quantity("1000m", 1)
    assert same_quantity("1e3", "1k")
    assert not same_quantity("1G", "1Gi")
    assert not same_quantity("x", "x")
    assert parse_quantity("1G") < parse_quantity("1Gi")
