# Flask-Babel has no types of its own. These are the functions that Consilium calls.
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import tzinfo

from babel import Locale
from babel.support import NullTranslations
from flask import Flask

class Domain:
    def get_translations(self) -> NullTranslations: ...

class Babel:
    def __init__(
        self,
        app: Flask | None = None,
        *,
        default_locale: str = "en",
        default_domain: str = "messages",
        default_translation_directories: str = "translations",
        default_timezone: str = "UTC",
        locale_selector: Callable[[], str | None] | None = None,
        timezone_selector: Callable[[], str | tzinfo | None] | None = None,
    ) -> None: ...
    @property
    def domain_instance(self) -> Domain: ...

def get_locale() -> Locale | None: ...
def force_locale(locale: str | Locale) -> AbstractContextManager[None]: ...
def gettext(string: str, **variables: object) -> str: ...
def ngettext(singular: str, plural: str, num: int, **variables: object) -> str: ...
def pgettext(context: str, string: str, **variables: object) -> str: ...
def npgettext(context: str, singular: str, plural: str, num: int, **variables: object) -> str: ...
