"""Texts before and after, as `git diff` shows them."""

import difflib


def unified_diff(path: str, before: str | None, after: str) -> str:
    """Return the difference of one file; `before` None: the file is new. Ends with a line break."""
    old_name = f"a/{path}" if before is not None else "/dev/null"
    lines = difflib.unified_diff(
        (before or "").splitlines(keepends=True),
        after.splitlines(keepends=True),
        old_name,
        f"b/{path}",
    )
    marked = (
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
    )
    text = "".join(marked)
    head = f"diff --git a/{path} b/{path}\n" + ("new file mode 100644\n" if before is None else "")
    return head + text if text else ""
