"""The generated tables of built-in kinds say what the wheel and a real API server say."""

from tests.support.plane import RealPlane
from tools.generate_schema_tables import TABLES, Plane, check_plane, check_wheel


def test_the_tables_match_the_kubernetes_validate_wheel() -> None:
    assert check_wheel() == []


def test_the_tables_match_a_real_api_server(real_plane: RealPlane) -> None:
    assert check_plane(Plane(real_plane.kubeconfig)) == []


def test_the_tables_stay_small() -> None:
    assert sum(path.stat().st_size for path in TABLES.glob("*.json")) < 400_000
