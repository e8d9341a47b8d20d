"""Say when a switch has no effect yet, and print the command that gives it one."""

from typing import Any

from holdfast.cli.command import Call
from holdfast.cli.layouts import block, is_automated, text

_FLAGS = (
    ("selfHeal", "--self-heal", "self-heal"),
    ("prune", "--auto-prune", "automatic prune"),
)


def say_if_without_effect(call: Call, app: dict[str, Any]) -> None:
    """On stderr: self-heal or automatic prune is set while automatic sync is off."""
    if is_automated(app):
        return
    automated = block(app, "spec", "syncPolicy", "automated")
    chosen = [row for row in _FLAGS if automated.get(row[0])]
    asked = [row for row in chosen if call.values.switch(row[1].removeprefix("--"))]
    if not asked:
        return
    words = " and ".join(row[2] for row in asked)
    verb = "has" if len(asked) == 1 else "have"
    call.note(f"{words} {verb} no effect yet, because automatic sync is off")
    # `--sync-policy automated` empties the block: what was chosen must be given again with it.
    flags = " ".join(row[1] for row in chosen)
    name = text(app, "metadata", "name")
    if text(app, "metadata", "namespace") != call.target.namespace:
        name = f"{text(app, 'metadata', 'namespace')}/{name}"
    call.hint(f"holdfast app set {name} --sync-policy automated {flags}")
