"""Memory of a process and its children: the sum of proportional set sizes (PSS)."""

from pathlib import Path


def tree_pss_kb(pid: int) -> int:
    """Return the PSS of a process and all its descendants, in kB."""
    return sum(_pss_kb(member) for member in _descendants(pid))


def _pss_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def _descendants(pid: int) -> list[int]:
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found.extend(_descendants(int(child)))
    except OSError:
        return found
    return found
