"""Numbers of the controller, out of its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.assembly.controller_numbers import journal_bytes, numbers_of, quantile
from holdfast.metrics.registry import PrometheusMetrics

if TYPE_CHECKING:
    from pathlib import Path


def test_numbers_come_out_of_what_the_registry_says() -> None:
    metrics = PrometheusMetrics()
    for seconds in [0.004] * 98 + [0.4, 0.4]:
        metrics.observe("holdfast_time_to_heal_seconds", seconds)
    metrics.increment("holdfast_heals_total", 100, reason="changed", outcome="healed")
    metrics.increment("holdfast_heals_total", 3, reason="changed", outcome="refused")
    metrics.set_gauge("holdfast_queue_length", 7)
    metrics.set_gauge("holdfast_watch_lag_seconds", 1.5)
    metrics.increment("holdfast_journal_rows_total", 250, outcome="written")
    found = numbers_of(metrics.text(), 4096)
    assert (found.heals, found.queue, found.watch_lag_s) == (100, 7, 1.5)
    assert (found.journal_written, found.journal_dropped, found.journal_bytes) == (250, 0, 4096)
    assert found.heal_p50_s is not None
    assert found.heal_p99_s is not None
    assert found.heal_p50_s < 0.01
    assert 0.1 < found.heal_p99_s <= 1


def test_a_quantile_lies_between_the_bounds_of_its_bucket() -> None:
    inf = float("inf")
    assert quantile({0.1: 10, 0.2: 20, inf: 20}, 0.75) == 0.1 + 0.1 * 0.5
    assert quantile({0.1: 0, inf: 4}, 0.99) == 0.1
    assert quantile({0.1: 0, inf: 0}, 0.99) is None
    assert quantile({}, 0.5) is None


def test_a_journal_that_is_no_file_has_no_size(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    file.write_bytes(b"12345")
    assert journal_bytes(str(file)) == 5
    assert journal_bytes("off") is None
    assert journal_bytes("postgresql://db/holdfast") is None
