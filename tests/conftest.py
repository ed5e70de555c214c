"""What every test may ask for: a database, the application, people, servers."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache, FileSystemBytecodeCache
from sqlalchemy import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from app import create_app
from app.core import crypto
from app.core.db import Base, Database
from app.core.permissions import Role
from app.identity.models import Person
from app.supervisor import install
from app.web.limits import limiter
from config import Settings
from tests import servers, thoroughness
from tests.people import Visitor, a_person
from tests.processes import MASTER_KEYS, SECRET_KEY, House, running

if TYPE_CHECKING:  # Playwright takes long to load, and few tests use it
    from playwright.sync_api import Browser, Playwright

crypto.set_field_keyring(crypto.Keyring(MASTER_KEYS))


class CompiledTemplates(BytecodeCache):
    """Templates, compiled once for the applications of all tests: most of a first page's time goes
    there. They are kept in memory for this process, and on disk for the other test processes.
    """

    def __init__(self) -> None:
        self._in_memory: dict[str, Any] = {}
        self.on_disk: FileSystemBytecodeCache | None = None

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._in_memory.get(f"{bucket.key} {bucket.checksum}")
        if bucket.code is None and self.on_disk:
            self.on_disk.load_bytecode(bucket)
            self._remember(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._remember(bucket)
        if self.on_disk:
            self.on_disk.dump_bytecode(bucket)

    def _remember(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._in_memory[f"{bucket.key} {bucket.checksum}"] = bucket.code


COMPILED = CompiledTemplates()


def share_compiled_routes() -> None:
    """From now on Werkzeug compiles the address of a route once, and not again in the application
    of each test, where it took most of the start.
    """
    compile_builder, known = Rule._compile_builder, {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if rule.defaults:  # their values are compiled in
            return compile_builder(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in known:
            known[key] = compile_builder(rule, append_unknown)
        return known[key]

    Rule._compile_builder = compile_once  # type: ignore[method-assign]


share_compiled_routes()
STATEMENTS = LRUCache(5000)
DIALECTS: dict[str, Dialect] = {}


def knowing(database: Database) -> Database:
    """The database, which from now on finds compiled whatever another one of its kind has compiled
    before: every test has one of its own, and compiling their statements took longer than running
    them.
    """
    engine = database.engine
    engine.dialect = DIALECTS.setdefault(engine.name, engine.dialect)
    engine._compiled_cache = STATEMENTS
    return database


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        dest="exhaustive",
        help="also run the tests marked `exhaustive`, and every fuzz test in full",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("exhaustive"):
        os.environ[thoroughness.ENVIRONMENT_NAME] = "1"


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # the workers find them compiled
        install.compile_catalogues()


def pytest_report_header() -> str:
    if install.is_browser_bundle_current():
        return "browser bundle: up to date"
    return "browser bundle: missing or out of date; ./consilium test builds it"


MARKER_BY_FIXTURE = {"house": "late", "playwright": "journey"}


@pytest.hookimpl(tryfirst=True)  # before -m chooses by marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Quick tests first, then those that start real processes, and the browsers last.

    Tests of one file that start processes or browsers run in the same xdist worker, one after the
    other: they share what the file has started.
    """
    for item in items:
        for fixture, marker in MARKER_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
        if any(item.get_closest_marker(name) for name in ("late", "journey")):
            if not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
    if not config.getoption("exhaustive"):
        for item in items:
            if item.get_closest_marker("exhaustive"):
                item.add_marker(pytest.mark.skip(reason="runs with --all"))
    items.sort(
        key=lambda item: (
            2 * bool(item.get_closest_marker("journey")) + bool(item.get_closest_marker("late"))
        )
    )


def test_settings(folder: Path, **overrides: object) -> Settings:
    """Settings of a test: SQLite and files in ``folder``, known keys."""
    chosen: dict[str, object] = {
        "mode": "test",
        "data_dir": folder,
        "secret_key": SECRET_KEY,
        "master_keys": MASTER_KEYS,
    }
    return Settings.load(**(chosen | overrides))


test_settings.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def _empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and no row, to be copied."""
    import app as house  # noqa: F401 - importing the application brings every model

    folder = tmp_path_factory.mktemp("template")
    create_app(test_settings(folder))
    database = Database(f"sqlite:///{folder}/empty.db")
    Base.metadata.create_all(database.engine)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    knowing(database).close()
    return folder / "empty.db"


@pytest.fixture
def settings(tmp_path: Path, _empty_sqlite: Path) -> Settings:
    shutil.copy(_empty_sqlite, tmp_path / "consilium.db")
    return test_settings(tmp_path)


@pytest.fixture(scope="module")
def shared_settings(tmp_path_factory: pytest.TempPathFactory, _empty_sqlite: Path) -> Settings:
    """For a module whose tests share one database and one server, because starting them takes long:
    such a module makes them its ``settings``, and its tests keep to people and cases of their own.
    """
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(_empty_sqlite, folder / "consilium.db")
    return test_settings(folder)


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _compiled_templates_on_disk(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = shared_folder(tmp_path_factory) / "templates"
    folder.mkdir(exist_ok=True)
    COMPILED.on_disk = FileSystemBytecodeCache(str(folder))


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    application = create_app(settings)
    application.jinja_env.bytecode_cache = COMPILED
    knowing(application.extensions["database"])
    with application.app_context():
        limiter.reset()
    yield application
    application.extensions["database"].close()


@pytest.fixture
def database(app: Flask) -> Database:
    return app.extensions["database"]  # type: ignore[no-any-return]


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session of its own unit of work; the test commits where it wants others to see."""
    with database.sessions() as session:
        yield session
        session.rollback()


@pytest.fixture
def look(database: Database) -> Callable[[Callable[[Session], Any]], Any]:
    """``look(question)``: asks or does something in a short unit of work of its own: SQLite has one
    writer at a time.
    """

    def ask(question: Callable[[Session], Any]) -> Any:
        with database.unit_of_work() as session:
            return question(session)

    return ask


@pytest.fixture
def person(database: Database) -> Callable[..., Person]:
    """``person(Role.SPECIALIST, specialties=["oncology"])``: a committed, registered person."""

    def make(role: Role = Role.PATIENT, **facts: object) -> Person:
        with database.unit_of_work() as session:
            return a_person(session, role, **facts)

    return make


@pytest.fixture
def visit(app: Flask) -> Callable[..., Visitor]:
    """``visit(person)``: that person, signed in; ``visit()``: a stranger."""

    def start(someone: Person | None = None) -> Visitor:
        return Visitor(app, someone)

    return start


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with servers.postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def _empty_postgres(postgres_server: str, _empty_sqlite: Path) -> Iterator[str]:
    """The name of a database with every table and no row, to be copied."""
    with servers.fresh_database(postgres_server, "with_tables") as url:
        database = Database(url)
        Base.metadata.create_all(database.engine)
        knowing(database).close()
        yield "with_tables"


@pytest.fixture
def _postgres_with_tables(postgres_server: str, _empty_postgres: str) -> Iterator[str]:
    with servers.fresh_database(
        postgres_server, f"t{uuid.uuid4().hex[:12]}", _empty_postgres
    ) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    with servers.fresh_database(postgres_server, f"t{uuid.uuid4().hex[:12]}") as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each test that asks for it runs on SQLite and on PostgreSQL, with every table made."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_empty_sqlite"), tmp_path / "any.db")
        url = f"sqlite:///{tmp_path}/any.db"
    else:
        url = request.getfixturevalue("_postgres_with_tables")
    database = knowing(Database(url))
    yield database
    database.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """In place of the plugin's, which keeps its event loop running until the last test of all."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    from tests import browsers

    with browsers.chromium(playwright) as browser:
        yield browser


@pytest.fixture
def live(app: Flask) -> Iterator[str]:
    """The application on a port of its own."""
    with servers.serving(app) as address:
        yield address


@pytest.fixture
def house(tmp_path: Path, settings: Settings) -> Iterator[House]:
    """The three real processes on the test's own SQLite database."""
    with running(House(tmp_path, settings.database_url)) as started:
        yield started
