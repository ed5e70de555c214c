"""A real installation's settings in a file of its own: ``./consilium init`` writes it, and every
command that is given the same folder reads it.
"""

from __future__ import annotations

import argparse
import base64
import os
import secrets
import sys
from pathlib import Path

ENV_FILE_NAME = "consilium.env"
PREFIX = "CONSILIUM_"

_TEMPLATE = """\
# The settings of this installation. Written by ./consilium init; read by every command that gets
# this folder. Variables of the environment win over this file.
# Keep a copy of the two secrets in a safe place: without them nobody can read the records.

CONSILIUM_SECRET_KEY={secret_key}
CONSILIUM_MASTER_KEYS={master_keys}
CONSILIUM_DATABASE_URL=sqlite:///{folder}/consilium.db
CONSILIUM_STORAGE_URL=file://{folder}/objects

# The address under which people reach Consilium. Browsers give no camera to pages without https.
#CONSILIUM_WEB_URL=https://opinions.hospital.example

# Mail. Without it messages are kept in the app.
#CONSILIUM_SMTP_URL=smtps://user:password@mail.hospital.example
#CONSILIUM_MAIL_FROM=Consilium <opinions@hospital.example>

# Video. The address that browsers reach, and a TURN relay for networks that block UDP.
#CONSILIUM_MEDIA_PUBLIC_ADDRESS=203.0.113.7
#CONSILIUM_TURN_URL=turns:turn.hospital.example:5349?transport=tcp
#CONSILIUM_TURN_SECRET=

# The virus scanner: host:port, or the path of clamd's socket.
#CONSILIUM_CLAMD=127.0.0.1:3310
"""

_NEXT_STEPS = """\
The settings are in {file}.

Before real patients use it, set in that file:
  - CONSILIUM_WEB_URL, an https address. Put a proxy with TLS in front: docs/deploy.md.
  - CONSILIUM_SMTP_URL, so that messages and forgotten passwords reach people by mail.
  - CONSILIUM_MEDIA_PUBLIC_ADDRESS, and CONSILIUM_TURN_URL for networks that block UDP.
  - CONSILIUM_CLAMD, so that files are scanned for viruses.
Back up the folder {folder} every day, and keep a copy of {name} somewhere else: without its
secrets the backup cannot be read.

Then:
  ./consilium run --no-demo --data {folder}
  ./consilium people invite --data {folder} --email YOU --name YOUR-NAME --role administrator
"""


def init_installation(asked: argparse.Namespace) -> int:
    """Writes ``consilium.env`` with fresh secrets, readable by its owner only. A second time it
    changes nothing.
    """
    folder, rest = take_data_option(asked.rest)
    if rest:
        print(f"./consilium init does not know {' '.join(rest)}.", file=sys.stderr)
        return 2
    folder = (folder or Path("data")).absolute()
    file = folder / ENV_FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{file} is there already. Nothing was changed.", file=sys.stderr)
        return 0
    except OSError as error:
        print(f"{file} cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w") as target:
        target.write(
            _TEMPLATE.format(
                secret_key=secrets.token_hex(32),
                master_keys="k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
                folder=folder,
            )
        )
    print(_NEXT_STEPS.format(file=file, folder=folder, name=ENV_FILE_NAME), end="")
    return 0


def take_data_option(words: list[str]) -> tuple[Path | None, list[str]]:
    """The folder of ``--data DIR`` among the words, and the words without it."""
    rest, folder = list(words), None
    for place, word in enumerate(rest):
        if word.startswith("--data="):
            folder = Path(word.partition("=")[2])
            del rest[place]
            break
        if word == "--data" and place + 1 < len(rest):
            folder = Path(rest[place + 1])
            del rest[place : place + 2]
            break
    return folder, rest


def load_installation(folder: Path) -> bool:
    """Reads the folder's ``consilium.env`` into the environment, where it does not say otherwise.
    Whether there is one.
    """
    try:
        lines = (folder / ENV_FILE_NAME).read_text().splitlines()
    except FileNotFoundError:
        return False
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals and name.startswith(PREFIX):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))
    return True
