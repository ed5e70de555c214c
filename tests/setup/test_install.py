"""What is missing is made when it may be, and named with its command when it may not."""

from __future__ import annotations

import gettext
import os

import pytest

from app.supervisor import install
from app.supervisor.install import DebianPackage

NEVER = DebianPackage("a-package-that-nobody-has", ("a-program-that-nobody-has",))


def test_someone_who_may_not_install_is_told_the_command(monkeypatch, tmp_path):
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert install.install_debian_packages([NEVER]) == [
        "Missing: a-package-that-nobody-has. Install with: "
        "sudo apt-get install --no-install-recommends a-package-that-nobody-has"
    ]


def test_another_system_is_told_what_to_look_for(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (sentence,) = install.install_debian_packages([NEVER])
    assert "a-package-that-nobody-has" in sentence and "apt" not in sentence


def test_an_installation_that_fails_shows_its_own_words_and_the_command(
    monkeypatch, tmp_path, capsys
):
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho there is no archive; exit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SystemExit) as ended:
        install.install_debian_packages([NEVER])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "there is no archive" in said and "apt-get update" in said


def test_what_is_merely_welcome_and_cannot_be_had_is_named_and_stops_nothing(monkeypatch, tmp_path):
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert install.install_optional_packages([NEVER]) == [
        "a-package-that-nobody-has cannot be installed here. What needs a-package-that-nobody-has"
        " is skipped."
    ]
    assert install.install_optional_packages([DebianPackage("coreutils", ("ls",))]) == []


def test_what_is_here_is_not_installed_again(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert install.install_debian_packages([DebianPackage("coreutils", ("ls",))]) == []


def test_catalogues_are_compiled_and_again_when_they_change(monkeypatch, tmp_path):
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "messages.po"
    monkeypatch.setattr(install, "PO_CATALOGUE_FOLDER", tmp_path)
    for meaning in ("Historia", "Relato"):
        source.write_text(
            'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
            f'msgid "Story"\nmsgstr "{meaning}"\n'
        )
        made = folder / "messages.mo"
        if made.exists():
            os.utime(made, (1, 1))
        install.compile_catalogues()
        with made.open("rb") as file:
            assert gettext.GNUTranslations(file).gettext("Story") == meaning
    assert sorted(path.name for path in folder.iterdir()) == ["messages.mo", "messages.po"]


def test_tools_for_javascript_are_installed_for_the_tests_only(monkeypatch, tmp_path):
    modules, calls = tmp_path / "node_modules", tmp_path / "calls"
    modules.mkdir()
    for name, script in {"node": "echo v20.0.0", "npm": f'echo "$@" >> {calls}'}.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(install, "MODULES_FOLDER", modules)

    assert install.install_browser_libraries() == str(tmp_path / "node")
    install.install_browser_libraries()
    (for_running,) = calls.read_text().splitlines()
    assert for_running.startswith("ci --ignore-scripts") and "--omit=dev" in for_running

    install.install_browser_libraries(with_tools=True)
    install.install_browser_libraries(with_tools=True)
    install.install_browser_libraries()
    _, for_testing = calls.read_text().splitlines()
    assert for_testing.startswith("ci --ignore-scripts") and "--omit" not in for_testing

    monkeypatch.setattr(install, "PACKAGE_LOCK", install.ROOT / "package.json")
    install.install_browser_libraries()
    assert len(calls.read_text().splitlines()) == 3, "another lock is installed anew"
