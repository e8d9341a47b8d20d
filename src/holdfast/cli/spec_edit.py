"""Change a spec as `argocd app set` and `unset` do. Pure: a tree and flags in, a new tree out.

Source: docs/internals/argocd/api.md §4.6. Three things that surprise people and are kept:
`--sync-policy automated` writes an empty `automated` block (prune and self-heal are off again
unless they are given with it); `--self-heal` alone, where automatic sync is off, writes
`enabled: false` beside it, so that nothing starts by accident; `--sync-policy none` removes it all.
"""

import copy
from collections.abc import Mapping
from typing import Any

from holdfast.cli.pflag import FlagKind, UsageError, Values
from holdfast.cli.spec_flags import NAMED, PAIRS, PLAIN_SOURCE, PLAIN_SPEC, SPEC_FLAGS

Tree = dict[str, Any]

_KINDS = {flag.name: flag.kind for flag in SPEC_FLAGS}
_AUTOMATED = {"auto-prune": "prune", "self-heal": "selfHeal", "allow-empty": "allowEmpty"}
_NAMING = "source-name"  # `app set` chooses by it, so that there it never changes a name
_NO_SPEC = frozenset({"validate", "env", _NAMING})
SPEC_NAMES = frozenset(_KINDS) - _NO_SPEC


def apply_flags(spec: Tree, values: Values, *, position: int = -1, name: str = "") -> Tree:
    """Return the spec with every given flag applied.

    Args:
        spec: The spec before; it is not changed.
        values: What was typed.
        position: Which of several sources, from 1; -1 for the only one.
        name: The same by the source's name.

    Raises:
        UsageError: a value has the wrong form, or the source does not exist.
    """
    spec = copy.deepcopy(spec)
    for flag, path in PLAIN_SPEC.items():
        if values.is_given(flag):
            _put(spec, path, _value(values, flag))
    _choose_destination(spec, values)
    _apply_policy(spec, values)
    naming = () if name else (_NAMING,)
    flags = {*PLAIN_SOURCE, *NAMED, *PAIRS, "kustomize-image", "values-literal-file", *naming}
    if values.any_given(flags):
        _apply_source(find_source(spec, position=position, name=name), values)
    return spec


def find_source(spec: Tree, *, position: int = -1, name: str = "") -> Tree:
    """Return the source that position or name points at; an absent single source is made.

    Raises:
        UsageError: there are several and none was chosen, or the chosen one does not exist.
    """
    if not spec.get("sources"):
        if position > 1 or name:
            raise UsageError("the application has a single source; leave --source-position out")
        source: Tree = spec.setdefault("source", {})
        return source
    return dict_of(spec["sources"][find_place(spec, position=position, name=name)])


def find_place(spec: Mapping[str, Any], *, position: int = -1, name: str = "") -> int:
    """Return the index in `spec.sources` that a position (from 1) or a name means.

    Raises:
        UsageError: there are several and none was chosen, or the chosen one does not exist.
    """
    several = spec.get("sources") or []
    if not several:
        raise UsageError(
            "the application has a single source: use --revision, without positions or names"
        )
    if name:
        for place, source in enumerate(several):
            if source.get("name") == name:
                return place
        raise UsageError(f'the application has no source named "{name}"')
    if position < 1:
        raise UsageError("the application has several sources: give --source-position, from 1")
    if position > len(several):
        raise UsageError(f"there is no source {position}: the application has {len(several)}")
    return position - 1


def dict_of(value: Any) -> Tree:
    """Return a mapping as it is.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(value, dict):
        raise UsageError("the application's spec is malformed: a source is no mapping")
    return value


def source_from(values: Values) -> Tree:
    """Return a new source, as the flags say.

    Raises:
        UsageError: a value has the wrong form.
    """
    source: Tree = {}
    _apply_source(source, values)
    return source


def _choose_destination(spec: Tree, values: Values) -> None:
    """A destination has a server or a name: the one that was given now replaces the other."""
    for given, other, key in (
        ("dest-server", "dest-name", "name"),
        ("dest-name", "dest-server", "server"),
    ):
        if values.is_given(given) and not values.is_given(other):
            spec["destination"].pop(key, None)


def _apply_source(source: Tree, values: Values) -> None:
    if values.is_given(_NAMING):
        source["name"] = values.text(_NAMING)
    for flag, path in PLAIN_SOURCE.items():
        if values.is_given(flag):
            _put(source, path, _value(values, flag))
    for flag, path in PAIRS.items():
        if values.is_given(flag):
            _put(source, path, dict(_pair(flag, item) for item in values.texts(flag)))
    for flag, (path, name_key, value_key, extra) in NAMED.items():
        for item in values.texts(flag) if values.is_given(flag) else ():
            name, value = _pair(flag, item)
            entry: Tree = {name_key: name, value_key: _count(flag, value), **extra}
            _merge_named(_list(source, path), name_key, entry)
    for image in values.texts("kustomize-image"):
        _merge_image(_list(source, ("kustomize", "images")), image)
    if values.is_given("values-literal-file"):
        _put(source, ("helm", "values"), _read_file(values.text("values-literal-file")))


def _apply_policy(spec: Tree, values: Values) -> None:
    if values.is_given("sync-policy"):
        if values.text("sync-policy") in ("none", "manual"):
            spec.get("syncPolicy", {}).pop("automated", None)
        else:
            _put(spec, ("syncPolicy", "automated"), {})
    for flag, key in _AUTOMATED.items():
        if values.is_given(flag):
            automated = spec.setdefault("syncPolicy", {}).setdefault(
                "automated", {"enabled": False}
            )
            automated[key] = values.switch(flag)
    for option in values.texts("sync-option"):
        _apply_option(spec, option)
    _apply_retry(spec, values)
    if not spec.get("syncPolicy", True):
        del spec["syncPolicy"]


def _apply_option(spec: Tree, option: str) -> None:
    options = spec.setdefault("syncPolicy", {}).setdefault("syncOptions", [])
    if option.startswith("!"):
        options[:] = [item for item in options if item != option[1:]]
    elif option not in options:
        options.append(option)
    if not options:
        del spec["syncPolicy"]["syncOptions"]


def _apply_retry(spec: Tree, values: Values) -> None:
    if values.is_given("sync-retry-limit"):
        limit = values.number("sync-retry-limit")
        if limit == 0:
            spec.get("syncPolicy", {}).pop("retry", None)
        else:
            retry = {
                "limit": limit,
                "backoff": {
                    "duration": values.text("sync-retry-backoff-duration"),
                    "factor": values.number("sync-retry-backoff-factor"),
                    "maxDuration": values.text("sync-retry-backoff-max-duration"),
                },
            }
            _put(spec, ("syncPolicy", "retry"), retry)
    if values.is_given("sync-retry-refresh"):
        retry = spec.get("syncPolicy", {}).get("retry")
        if retry is None:
            raise UsageError("--sync-retry-refresh needs retries: give --sync-retry-limit too")
        retry["refresh"] = values.switch("sync-retry-refresh")


def _value(values: Values, flag: str) -> Any:
    kind = _KINDS[flag]
    if kind is FlagKind.SWITCH:
        return values.switch(flag)
    if kind is FlagKind.NUMBER:
        return values.number(flag)
    if kind is FlagKind.LINES:
        return list(values.texts(flag))
    return values.text(flag)


def _put(tree: Tree, path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = value


def _list(tree: Tree, path: tuple[str, ...]) -> list[Any]:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    found: list[Any] = tree.setdefault(path[-1], [])
    return found


def _merge_named(entries: list[Any], name_key: str, entry: Tree) -> None:
    for index, old in enumerate(entries):
        if old.get(name_key) == entry[name_key]:
            entries[index] = entry
            return
    entries.append(entry)


def _merge_image(images: list[Any], image: str) -> None:
    for index, old in enumerate(images):
        if image_name(str(old)) == image_name(image):
            images[index] = image
            return
    images.append(image)


def image_name(image: str) -> str:
    """Return the name that an override `[old=]new[:tag|@digest]` is about."""
    old, equals, new = image.partition("=")
    if equals:
        return old
    new = old.split("@")[0]
    head, slash, last = new.rpartition("/")
    return head + slash + last.split(":")[0]


def _pair(flag: str, item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals or not name:
        raise UsageError(f'--{flag} "{item}": give name=value')
    return name, value


def _count(flag: str, value: str) -> str | int:
    if flag != "kustomize-replica":
        return value
    if not value.isdigit():
        raise UsageError(f'--{flag}: "{value}" is no number of replicas')
    return int(value)


def _read_file(path: str) -> str:
    from pathlib import Path

    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--values-literal-file {path}: {error.strerror}") from error
