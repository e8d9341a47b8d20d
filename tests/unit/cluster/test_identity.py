"""Who holds the Lease: the same after a restart, and never two at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.cluster.lease import claim_identity
from holdfast.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_data_folder_gives_the_same_identity_after_a_restart(tmp_path: Path) -> None:
    before = claim_identity(tmp_path / "data", {})
    before.release()
    after = claim_identity(tmp_path / "data", {})
    assert after.name == before.name
    other = claim_identity(tmp_path / "other", {})
    assert other.name != after.name
    after.release()
    other.release()


def test_a_data_folder_is_used_by_one_process_at_a_time(tmp_path: Path) -> None:
    first = claim_identity(tmp_path, {})
    with pytest.raises(ConfigurationError) as caught:
        claim_identity(tmp_path, {})
    assert caught.value.code == "HF3007"
    assert str(tmp_path) in caught.value.message
    first.release()


def test_a_pod_is_known_by_its_uid() -> None:
    one = claim_identity(None, {"HOLDFAST_POD_UID": "1-2-3"})
    assert one.name.endswith("_1-2-3")
    assert claim_identity(None, {"HOLDFAST_POD_UID": "1-2-3"}).name == one.name


def test_without_a_data_folder_each_process_is_a_stranger() -> None:
    assert claim_identity(None, {}).name != claim_identity(None, {}).name
