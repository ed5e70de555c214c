"""What a slice says about itself, and how the application finds it (DESIGN 3).

A slice is a package with a module ``slice.py`` that holds one ``MANIFEST``. The web application,
the jobs runner, the portal and the demo read the manifests, so a new slice edits no other file.

Manifests are read in processes without Flask too. So ``slice.py`` imports no module that knows
Flask: routes, socket events and commands are named by import strings, and the web process loads
them.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.demo import DemoData
    from app.core.notices import NoticeKind
    from app.core.outbox import JobHandler
    from app.core.permissions import Permission, Role

APPLICATION_PACKAGE = "app"
_PLACEHOLDER = re.compile(r"<(\w+)>")
Key = TypeVar("Key")
Value = TypeVar("Value")
Extension = TypeVar("Extension")


class SliceConflict(RuntimeError):
    """The manifests do not fit together. The message is a sentence that says how."""


@dataclass(frozen=True)
class SliceManifest:
    """Everything that a slice adds to the application.

    ``after`` names the slices whose modules this one may import, directly or through another; it
    gives the order in which slices are loaded.
    """

    name: str
    after: tuple[str, ...] = ()
    permissions: Mapping[Permission, frozenset[Role]] = field(default_factory=lambda: {})
    """Each permission with the roles that hold it."""
    audit_verbs: Mapping[StrEnum, str] = field(default_factory=lambda: {})
    """Each audit verb (an ``audit.verbs.AuditVerb``) with its words, as a msgid."""
    jobs: Mapping[str, JobHandler] = field(default_factory=lambda: {})
    """Each kind of job with the function that does it."""
    periodic: Sequence[tuple[str, timedelta]] = ()
    """Kinds of jobs that are queued again and again, with the time from one to the next."""
    notices: Mapping[str, NoticeKind] = field(default_factory=lambda: {})
    """Each kind of message that the slice sends."""
    addresses: Mapping[str, str] = field(default_factory=lambda: {})
    """The pages that messages lead to: endpoint and URL rule (``/cases/<case_id>``).

    The jobs runner builds links from these, because it knows no Flask. The web application checks
    at the start that its routes have the same rules.
    """
    blueprint: str = ""
    """The slice's Flask blueprint, as ``module:name``."""
    routes: tuple[str, ...] = ()
    """Modules whose import adds routes to the blueprint."""
    sockets: tuple[str, ...] = ()
    """Modules whose import registers socket events."""
    web_setup: tuple[str, ...] = ()
    """Functions, as ``module:name``, that are called with the application once routes and socket
    events are there.
    """
    commands: tuple[str, ...] = ()
    """Commands of ``./consilium flask``, as ``module:name``."""
    readiness: Mapping[str, Callable[[Session], bool]] = field(default_factory=lambda: {})
    """Parts of the installation that ``/readyz`` asks after, each with the question."""
    navigation: Sequence[NavigationLink] = ()
    """Links at the top of every page."""
    case_events: Mapping[str, str] = field(default_factory=dict[str, str])
    """Kinds of case events that the timeline of a case shows, each with its words, as a msgid."""
    office_sources: tuple[str, ...] = ()
    """Sources whose sentences only the staff of a hospital reads, as patterns relative to the
    slice's folder. A language may leave these untranslated.
    """
    demo: DemoData | None = None
    """The slice's part in the demo."""
    extensions: Sequence[object] = ()
    """What the slice adds where another slice asks for it, found by type: for example
    ``CasePanel``, ``NextStepRule`` and ``CaseFactSource`` of ``app.cases.page``.
    """


@dataclass(frozen=True)
class NavigationLink:
    """A link at the top of every page for people of one role. Lower positions come first."""

    role: Role
    label: str
    endpoint: str
    position: int


class SliceRegistry:
    """The manifests in import order, and what they add up to.

    Raises ``SliceConflict`` when two slices have one name, when a slice builds on one that is not
    there, or when two build on each other; on reading, when two slices claim the same thing.
    """

    def __init__(self, manifests: Iterable[SliceManifest]) -> None:
        self.manifests: tuple[SliceManifest, ...] = tuple(_sort_by_import_order(manifests))
        self._extensions_by_kind: dict[type, Sequence[object]] = {}

    @cached_property
    def roles_by_permission(self) -> Mapping[Permission, frozenset[Role]]:
        """Raises ``SliceConflict`` for a permission that two slices list."""
        return self._merge("permission", [one.permissions for one in self.manifests])

    @cached_property
    def audit_verb_labels(self) -> Mapping[StrEnum, str]:
        """Each verb's words, as a msgid. Raises ``SliceConflict`` for a verb of two slices."""
        return self._merge("audit verb", [one.audit_verbs for one in self.manifests])

    @cached_property
    def job_handlers(self) -> Mapping[str, JobHandler]:
        """Raises ``SliceConflict`` for a kind of job that two slices handle."""
        return self._merge("kind of job", [one.jobs for one in self.manifests])

    @cached_property
    def notice_kinds(self) -> Mapping[str, NoticeKind]:
        """Raises ``SliceConflict`` for a message that leads to an unknown page."""
        kinds = self._merge("kind of message", [one.notices for one in self.manifests])
        for name, kind in kinds.items():
            if kind.endpoint not in self.addresses:
                raise SliceConflict(
                    f"The message {name!r} leads to {kind.endpoint}, but no slice lists that page"
                    " among its addresses."
                )
        return kinds

    @cached_property
    def case_event_labels(self) -> Mapping[str, str]:
        return self._merge("case event", [one.case_events for one in self.manifests])

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """URL rules by endpoint. Raises ``SliceConflict`` for an endpoint of two slices."""
        return self._merge("address of", [one.addresses for one in self.manifests])

    @cached_property
    def readiness_checks(self) -> Mapping[str, Callable[[Session], bool]]:
        """Raises ``SliceConflict`` for a name that two slices use."""
        return self._merge("readiness check", [one.readiness for one in self.manifests])

    @cached_property
    def navigation_by_role(self) -> Mapping[str, Sequence[NavigationLink]]:
        """Each role's links, in the order of their positions."""
        links = [link for manifest in self.manifests for link in manifest.navigation]
        links.sort(key=lambda link: link.position)
        return {
            role: [one for one in links if one.role == role] for role in {one.role for one in links}
        }

    @property
    def demo_data(self) -> Sequence[DemoData]:
        return [one.demo for one in self.manifests if one.demo is not None]

    def list_extensions(self, kind: type[Extension]) -> Sequence[Extension]:
        """Everything of this type that the slices add, in import order."""
        if kind not in self._extensions_by_kind:
            self._extensions_by_kind[kind] = [
                one
                for manifest in self.manifests
                for one in manifest.extensions
                if type(one) is kind
            ]
        return cast("Sequence[Extension]", self._extensions_by_kind[kind])

    def build_path(self, endpoint: str, values: Mapping[str, object]) -> str:
        """The path of a page among the slices' addresses. Raises ``KeyError`` for an unknown
        page or a missing id.
        """
        return _PLACEHOLDER.sub(
            lambda name: quote(str(values[name[1]]), safe=""), self.addresses[endpoint]
        )

    @cached_property
    def periodic_jobs(self) -> Sequence[tuple[str, timedelta]]:
        """Raises ``SliceConflict`` for a kind that no slice handles or that two repeat."""
        found: dict[str, timedelta] = {}
        for manifest in self.manifests:
            for kind, interval in manifest.periodic:
                if kind not in self.job_handlers:
                    raise SliceConflict(
                        f"The slice {manifest.name} repeats the job {kind!r}, but no slice"
                        " handles it."
                    )
                if kind in found:
                    raise SliceConflict(f"The job {kind!r} is repeated by two slices.")
                found[kind] = interval
        return list(found.items())

    def check_conflicts(self) -> None:
        """Raises ``SliceConflict`` when two slices claim the same thing."""
        _ = (self.roles_by_permission, self.audit_verb_labels)
        _ = (self.job_handlers, self.periodic_jobs)
        _ = (self.notice_kinds, self.readiness_checks, self.case_event_labels)

    def _merge(self, what: str, parts: Sequence[Mapping[Key, Value]]) -> dict[Key, Value]:
        merged: dict[Key, Value] = {}
        owners: dict[Key, str] = {}
        for manifest, part in zip(self.manifests, parts, strict=True):
            for key, value in part.items():
                if key in owners:
                    raise SliceConflict(
                        f"The slices {owners[key]} and {manifest.name} both claim the {what}"
                        f" {str(key)!r}. Rename it in one of them."
                    )
                owners[key] = manifest.name
                merged[key] = value
        return merged


def load_slices(extra: Iterable[str] = ()) -> SliceRegistry:
    """Reads the manifest of every slice of the application, and of the packages named in ``extra``.

    Raises ``SliceConflict`` when they do not fit together.
    """
    registry = SliceRegistry(
        import_module(f"{package}.slice").MANIFEST for package in [*_list_slice_packages(), *extra]
    )
    registry.check_conflicts()
    return registry


def get_slices() -> SliceRegistry:
    """The slices of this process, loaded on first use."""
    global _slices
    if _slices is None:
        _slices = load_slices()
    return _slices


def get_roles_by_permission() -> Mapping[Permission, frozenset[Role]]:
    """Every permission of every slice, with the roles that hold it."""
    return get_slices().roles_by_permission


def has_permission(role: str, permission: Permission) -> bool:
    """Whether people of this role hold the permission."""
    return role in get_roles_by_permission().get(permission, frozenset())


@contextmanager
def use_slices(registry: SliceRegistry) -> Generator[SliceRegistry]:
    """Inside the block this process has these slices. For tests."""
    global _slices
    before, _slices = _slices, registry
    try:
        yield registry
    finally:
        _slices = before


_slices: SliceRegistry | None = None


def import_named(path: str) -> Any:  # the caller knows what the manifest names
    """The object that an import string of a manifest names: ``module:name``."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _list_slice_packages() -> list[str]:
    folders = import_module(APPLICATION_PACKAGE).__path__
    packages = [
        f"{APPLICATION_PACKAGE}.{one.name}" for one in pkgutil.iter_modules(folders) if one.ispkg
    ]
    return [package for package in packages if find_spec(f"{package}.slice") is not None]


def _sort_by_import_order(manifests: Iterable[SliceManifest]) -> Iterator[SliceManifest]:
    by_name: dict[str, SliceManifest] = {}
    for manifest in manifests:
        if manifest.name in by_name:
            raise SliceConflict(f"Two slices have the name {manifest.name!r}.")
        by_name[manifest.name] = manifest
    for manifest in by_name.values():
        for needed in manifest.after:
            if needed not in by_name:
                raise SliceConflict(
                    f"The slice {manifest.name} builds on {needed!r}, which is not there."
                )
    sorter = TopologicalSorter({name: by_name[name].after for name in sorted(by_name)})
    try:
        names = list(sorter.static_order())
    except CycleError as error:
        circle = " and ".join(dict.fromkeys(error.args[1]))
        raise SliceConflict(f"The slices {circle} build on each other.") from None
    return (by_name[name] for name in names)
