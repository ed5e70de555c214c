"""The look: colours that can be read, pages that hold at 320 px, in both directions, light and
dark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Browser, Page, expect

from app import create_app
from app.core.permissions import Role
from app.identity.models import Person
from app.web.access import allow_public
from app.web.limits import limiter
from config import Settings
from tests.axe import faults
from tests.browsers import sign_in
from tests.servers import serving

pytestmark = pytest.mark.late

ROOT = Path(__file__).parents[2]
OUR_CSS = sorted((ROOT / "static/css").rglob("*.css"))
TEMPLATES = sorted((ROOT / "app").rglob("templates/**/*.html"))


# What can be told from the files alone.


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.S)


def tokens_of(selector: str) -> dict[str, str]:
    css = (ROOT / "static/css/tokens.css").read_text()
    block = css[css.index(selector) :]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[: block.index("}")]))


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, «contrast ratio»."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


THEMES = pytest.mark.parametrize(
    "selector",
    [':root,\n[data-bs-theme="light"]', '\n[data-bs-theme="dark"]', ":root:not([data-bs-theme])"],
)


@THEMES
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        ("ink", "paper", 7),
        ("ink", "surface", 7),
        ("ink-soft-patient", "paper", 7),
        ("ink-soft-patient", "surface", 7),
        ("ink-soft", "paper", 4.5),
        ("ink-soft", "surface", 4.5),
        ("ink-soft", "surface-sunk", 4.5),
        ("brand", "paper", 4.5),
        ("brand", "surface", 4.5),
        ("brand", "brand-soft", 4.5),
        ("on-brand", "brand", 4.5),
        ("on-brand", "brand-strong", 4.5),
        ("attention", "surface", 4.5),
        ("attention", "attention-soft", 4.5),
        ("good", "surface", 4.5),
        ("good", "good-soft", 4.5),
        ("danger", "surface", 4.5),
        ("danger", "danger-soft", 4.5),
        ("on-danger", "danger", 4.5),
        ("night", "night-soft", 4.5),
        ("line-strong", "paper", 3),
        ("line-strong", "surface", 3),
        ("day", "surface", 3),
        ("night", "surface", 3),
    ],
)
def test_every_pair_of_colours_can_be_read(
    selector: str, ink: str, ground: str, least: float
) -> None:
    tokens = tokens_of(selector)
    assert contrast(tokens[ink], tokens[ground]) >= least


def test_dark_is_the_same_whether_the_system_or_the_reader_asks_for_it() -> None:
    assert tokens_of('\n[data-bs-theme="dark"]') == tokens_of(":root:not([data-bs-theme])")


@pytest.mark.parametrize("sheet", OUR_CSS, ids=lambda path: path.name)
def test_styles_speak_of_start_and_end(sheet: Path) -> None:
    css = without_comments(sheet.read_text())
    assert not re.findall(
        r"(?:margin|padding|border|inset|scroll-margin|scroll-padding)-(?:left|right)|"
        r"(?:float|clear|text-align):\s*(?:left|right)|(?<![\w-])(?:left|right):",
        css,
    )


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_obey_the_content_security_policy(template: Path) -> None:
    html = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.S)
    assert not re.findall(r"\sstyle=|<style|\son[a-z]+=|javascript:", html)
    for script in re.findall(r"<script[^>]*>", html):
        assert "src=" in script or 'type="application/json"' in script, script
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", html), "no third-party host"


def test_every_sign_that_a_template_names_is_drawn() -> None:
    drawn = set(
        re.findall(
            r"^  '([a-z0-9-]+)': ", (ROOT / "app/web/templates/macros/icons.html").read_text(), re.M
        )
    )
    for template in TEMPLATES:
        html = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.S)
        named = set(re.findall(r"""icon(?:\(|=)["']([a-z0-9-]+)["']""", html))
        assert named <= drawn, f"{template.name}: {named - drawn}"


def test_no_page_counts_on_a_part_of_bootstrap_that_is_not_sent() -> None:
    whole = (ROOT / "node_modules/bootstrap/dist/css/bootstrap.css").read_text()
    theirs = set(re.findall(r"\.([a-zA-Z][\w-]*)", without_comments(whole)))
    sheets = "".join(without_comments(sheet.read_text()) for sheet in OUR_CSS)
    ours = set(re.findall(r"\.([a-zA-Z][\w-]*)", sheets))
    for template in TEMPLATES:
        html = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", template.read_text(), flags=re.S)
        used = {name for names in re.findall(r'class="([^"]*)"', html) for name in names.split()}
        assert not (used & theirs) - ours, template.name


# What only a browser can tell.


@pytest.fixture(scope="module")
def app(shared_settings: Settings) -> Iterator[Flask]:
    """With the gallery of macros as one page more."""
    app = create_app(shared_settings)
    source = Path(__file__).with_name("gallery.html").read_text()

    @app.route("/gallery", methods=["GET", "POST"])
    @allow_public
    def gallery() -> str:
        return render_template_string(source, at=datetime(2026, 11, 24, 12, 30, tzinfo=UTC))

    yield app
    app.extensions["database"].close()


@pytest.fixture(scope="module")
def live(app: Flask) -> Iterator[str]:
    assert (ROOT / "static/vendor/manifest.json").exists(), (
        "run ./consilium test: it builds the libraries"
    )
    with serving(app) as address:
        yield address


@pytest.fixture
def open_page(chromium: Browser, app: Flask, live: str) -> Iterator[Callable[..., Page]]:
    """``open_page("/path", width=320, scheme="dark", language="ar")``, signed in as ``person``
    if one is given.
    """
    contexts = []
    with app.app_context():
        limiter.reset()  # more people sign in here than may in a minute

    def open_(
        path: str,
        *,
        width: int = 1280,
        scheme: str = "light",
        language: str = "en",
        person: Person | None = None,
        scripts: bool = True,
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if person is not None:
            sign_in(context, live, person)
        answer = page.goto(f"{live}{path}{'&' if '?' in path else '?'}lang={language}")
        assert answer is not None and answer.ok, path
        return page

    yield open_
    for context in contexts:
        context.close()


OPEN_PAGES = [
    "/",
    "/how-it-works",
    "/emergency",
    "/sign-in",
    "/sign-up",
    "/no-such-page",
    "/gallery",
    "/gallery?audience=staff",
]


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(1280, "light", "en"), (1280, "dark", "ar"), (320, "light", "ar"), (320, "dark", "es")],
)
def test_open_pages_are_free_of_faults(
    open_page: Callable[..., Page], live: str, width: int, scheme: str, language: str
) -> None:
    page = open_page("/", width=width, scheme=scheme, language=language)
    for path in OPEN_PAGES:
        answer = page.goto(f"{live}{path}")
        assert answer is not None and answer.status == (404 if path == "/no-such-page" else 200), (
            path
        )
        assert faults(page) == [], path
        assert page.locator("html").get_attribute("dir") == (
            "rtl" if language == "ar" else "ltr"
        ), path
        assert page.locator("html").get_attribute("lang") == language, path


@pytest.mark.parametrize(
    "role", [Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER, Role.COORDINATOR, Role.ADMINISTRATOR]
)
def test_the_frame_holds_for_every_role(
    open_page: Callable[..., Page], person: Callable[..., Person], role: Role
) -> None:
    page = open_page("/home", width=320, person=person(role))

    assert faults(page) == []
    for link in page.locator("header a, footer a").all():
        address = link.get_attribute("href") or ""
        if address.startswith("/"):
            assert page.request.get(urljoin(page.url, address)).ok, address


def test_a_loss_is_asked_about_first(open_page: Callable[..., Page]) -> None:
    page = open_page("/gallery")
    page.get_by_text("Withdraw the case").click()
    assert page.get_by_role("dialog").is_visible()

    page.get_by_role("button", name="Keep it").click()

    assert not page.get_by_role("dialog").is_visible()
    assert page.url.endswith("/gallery?lang=en")


def test_without_scripts_the_question_opens_in_place(open_page: Callable[..., Page]) -> None:
    page = open_page("/gallery", scripts=False)
    page.get_by_text("Withdraw the case").click()

    assert page.get_by_role("button", name="Withdraw it").is_visible()


def test_a_form_is_sent_once(open_page: Callable[..., Page]) -> None:
    page = open_page("/gallery")
    posts: list[str] = []
    page.on(
        "request", lambda request: posts.append(request.url) if request.method == "POST" else None
    )
    page.route("**/gallery*", lambda route: route.fulfill(status=204))

    button = page.get_by_role("button", name="Send to the hospital")
    button.evaluate("button => { button.click(); button.click(); }")
    page.wait_for_timeout(300)

    assert len(posts) == 1
    assert page.get_by_role("button", name="Sending…").get_attribute("aria-busy") == "true"


def test_the_worklist_is_walked_with_the_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_page("/gallery?audience=staff")
    expect(page.locator("html")).to_have_attribute("data-scripts", "ready")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    assert page.url.endswith("#one")


def test_the_reader_may_choose_light_or_dark_and_it_stays(
    open_page: Callable[..., Page], person: Callable[..., Person]
) -> None:
    page = open_page("/home", person=person(Role.PATIENT))
    page.locator(".site-tools details").last.locator("summary").click()
    page.get_by_role("button", name="Light or dark").click()
    page.reload()

    assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_a_page_says_so_when_its_scripts_fail(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    page.route("**/vendor/*.js*", lambda route: route.abort())
    page.clock.install()
    page.reload()
    message = page.locator(".scripts-failed")
    assert message.evaluate("element => getComputedStyle(element).visibility") == "hidden"

    message.evaluate("element => element.getAnimations().forEach(animation => animation.finish())")

    assert message.evaluate("element => getComputedStyle(element).visibility") == "visible"
