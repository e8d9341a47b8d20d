"""Which Applications a screen lists: search, filters with their counts, order, pages.

Every choice stands in the query of the URL, by the names that Argo CD's own page uses (api.md
§7.3), so that a link to a filtered list is a link.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from holdfast.api.page.app_view import HEALTH_CODES, SYNC_CODES, AppView

PAGE_SIZES = (60, 200, 1000)
SORTS = {"name": "Name", "synced": "Last sync", "created": "Created", "health": "Worst first"}
_LONGEST_SEARCH = 200
_MOST_VALUES = 40
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_WORST = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy")


@dataclass(frozen=True, slots=True)
class Item:
    """An Application with what the object itself does not say."""

    app: AppView
    is_paused: bool = False
    drifts: int = 0
    is_favourite: bool = False
    may_sync: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """One group of choices.

    Attributes:
        name: In the query of the URL.
        values: Of an item; several for labels.
        order: The values that are always shown, in their order.
    """

    name: str
    title: str
    values: Callable[[Item], tuple[str, ...]]
    order: tuple[str, ...] = ()


def _when(word: str, holds: bool) -> tuple[str, ...]:
    return (word,) if holds else ()


FILTERS = (
    Filter("sync", "Sync", lambda i: (i.app.sync,), SYNC_CODES),
    Filter("health", "Health", lambda i: (i.app.health,), HEALTH_CODES),
    Filter(
        "state",
        "Now",
        lambda i: (
            *_when("drifted", i.drifts > 0),
            *_when("paused", i.is_paused),
            *_when("syncing", i.app.operation.is_running),
            *_when("failed", i.app.operation.phase in ("Failed", "Error")),
        ),
        ("drifted", "paused", "syncing", "failed"),
    ),
    Filter("autoSync", "Automatic sync", lambda i: ("on" if i.app.automated else "off",),
           ("on", "off")),
    Filter("proj", "Project", lambda i: (i.app.project,)),
    Filter("cluster", "Cluster", lambda i: (i.app.cluster,)),
    Filter("namespace", "Namespace", lambda i: (i.app.namespace,) if i.app.namespace else ()),
    Filter("labels", "Label", lambda i: tuple(f"{k}={v}" for k, v in i.app.labels.items())),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What the query of the URL asks for."""

    search: str = ""
    chosen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    favourites: bool = False
    view: str = "tiles"
    sort: str = "name"
    page: int = 1
    size: int = PAGE_SIZES[0]

    @classmethod
    def parse(cls, query: Mapping[str, Sequence[str]]) -> "Wish":
        """Read a query; what makes no sense counts as not given."""

        def last(name: str) -> str:
            return (query.get(name) or [""])[-1]

        page, size = last("page"), last("size")
        view, sort = last("view"), last("sort")
        return cls(
            search=last("search").strip()[:_LONGEST_SEARCH],
            chosen={f.name: frozenset(query[f.name]) for f in FILTERS if query.get(f.name)},
            favourites=last("showFavorites") == "true",
            view=view if view in ("tiles", "list") else "tiles",
            sort=sort if sort in SORTS else "name",
            page=int(page) if page.isdecimal() and len(page) < 6 else 1,
            size=int(size) if size.isdecimal() and int(size[:6]) in PAGE_SIZES else PAGE_SIZES[0],
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.search or self.chosen or self.favourites)

    def link(self, **changes: str | int | None) -> str:
        """Return the URL of this list with something changed; a page is never kept."""
        pairs: dict[str, list[str]] = {name: sorted(v) for name, v in self.chosen.items()}
        if self.search:
            pairs["search"] = [self.search]
        if self.favourites:
            pairs["showFavorites"] = ["true"]
        for name, default in (("view", "tiles"), ("sort", "name"), ("size", PAGE_SIZES[0])):
            if getattr(self, name) != default:
                pairs[name] = [str(getattr(self, name))]
        for name, value in changes.items():
            pairs[name] = [] if value is None else [str(value)]
        return "/applications" + _query(pairs)

    def toggled(self, name: str, value: str) -> str:
        """Return the URL with one choice more or less."""
        chosen = dict(self.chosen)
        chosen[name] = chosen.get(name, frozenset()) ^ {value}
        other = Wish(
            self.search, {n: v for n, v in chosen.items() if v}, self.favourites,
            self.view, self.sort, 1, self.size,
        )  # fmt: skip
        return other.link()


def _query(pairs: Mapping[str, Iterable[str]]) -> str:
    encoded = urlencode([(name, value) for name, values in pairs.items() for value in values])
    return f"?{encoded}" if encoded else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, with how many items have it when all other filters hold."""

    value: str
    count: int
    is_chosen: bool
    link: str


@dataclass(frozen=True, slots=True)
class Group:
    """One filter as it is shown; `more` values are left out because they are too many."""

    name: str
    title: str
    choices: tuple[Choice, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list screen shows."""

    wish: Wish
    items: tuple[Item, ...]
    total: int
    found: int
    pages: int
    groups: tuple[Group, ...]
    health: tuple[tuple[str, int], ...]
    sync: tuple[tuple[str, int], ...]

    @property
    def first(self) -> int:
        """Number of the first item shown, from 1."""
        return (self.wish.page - 1) * self.wish.size + 1 if self.items else 0


def list_items(items: Sequence[Item], wish: Wish) -> Listing:
    """Choose, count, order, and cut to one page."""
    tests = {f.name: f for f in FILTERS}
    searched = [
        item
        for item in items
        if (not wish.favourites or item.is_favourite) and _fits_search(item, wish.search)
    ]
    # For every item the filters that it fails: it counts for a filter when no other one fails.
    failed = [
        [
            name
            for name, wanted in wish.chosen.items()
            if wanted.isdisjoint(tests[name].values(item))
        ]
        for item in searched
    ]
    found = [item for item, names in zip(searched, failed, strict=True) if not names]
    groups = tuple(
        _group(
            known,
            wish,
            Counter(
                value
                for item, names in zip(searched, failed, strict=True)
                if not names or names == [known.name]
                for value in known.values(item)
            ),
        )
        for known in FILTERS
    )
    pages = max(1, -(-len(found) // wish.size))
    page = min(max(1, wish.page), pages)
    wish = Wish(
        wish.search, wish.chosen, wish.favourites, wish.view, wish.sort, page, wish.size
    )  # fmt: skip
    ordered = _ordered(found, wish.sort)
    return Listing(
        wish=wish,
        items=tuple(ordered[(page - 1) * wish.size : page * wish.size]),
        total=len(items),
        found=len(found),
        pages=pages,
        groups=tuple(group for group in groups if group.choices),
        health=_shares(found, HEALTH_CODES, lambda i: i.app.health),
        sync=_shares(found, SYNC_CODES, lambda i: i.app.sync),
    )


def _fits_search(item: Item, search: str) -> bool:
    if not search:
        return True
    app = item.app
    words = search.casefold().split()
    text = " ".join(
        (app.name, app.project, app.namespace, app.source.repo, app.source.place)
    ).casefold()
    return all(word in text for word in words)


def _group(known: Filter, wish: Wish, counts: Counter[str]) -> Group:
    chosen = wish.chosen.get(known.name, frozenset())
    others = sorted((set(counts) | chosen) - set(known.order))
    if not known.order and len(others) == 1 and not chosen and known.name != "labels":
        others = []  # a choice of one is none
    values = [value for value in known.order if counts[value] or value in chosen] + others
    shown = values[:_MOST_VALUES]
    return Group(
        known.name,
        known.title,
        tuple(
            Choice(value, counts[value], value in chosen, wish.toggled(known.name, value))
            for value in shown
        ),
        more=len(values) - len(shown),
    )


def _ordered(items: list[Item], sort: str) -> list[Item]:
    by_name = sorted(items, key=lambda item: (not item.is_favourite, item.app.name, item.app.id))
    if sort == "synced":
        return sorted(by_name, key=lambda item: item.app.synced or _LONG_AGO, reverse=True)
    if sort == "created":
        return sorted(by_name, key=lambda item: item.app.created or _LONG_AGO, reverse=True)
    if sort == "health":
        return sorted(
            by_name, key=lambda item: (_WORST.index(item.app.health), item.app.sync == "Synced")
        )
    return by_name


def _shares(
    items: Iterable[Item], order: tuple[str, ...], word: Callable[[Item], str]
) -> tuple[tuple[str, int], ...]:
    counts = Counter(word(item) for item in items)
    return tuple((name, counts[name]) for name in order if counts[name])
