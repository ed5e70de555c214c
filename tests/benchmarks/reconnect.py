"""``./consilium bench reconnect``: what may happen to a call, and how soon every picture and every
voice is back.

Three real browsers at the three real processes; what is killed is started again after the
supervisor's pause. Each row is the time from the event (or from its end: the network's return, the
waking) until the last stream that stood still moves again, in all browsers. Targets: 5 s, the media
node 10 s, a changed address 3 s.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from app import create_app
from app.core.db import Base
from config import Settings
from tests.consults import reconnecting
from tests.consults.scene import Scene, a_scene
from tests.processes import MASTER_KEYS, SECRET_KEY

ROWS: dict[str, tuple[float, Callable[[Scene], float]]] = {
    "tab_reload_s": (5, reconnecting.reload_the_tab),
    "network_back_s": (5, reconnecting.lose_the_network),
    "address_changed_s": (3, reconnecting.change_the_address),
    "page_thawed_s": (5, reconnecting.freeze_the_page),
    "laptop_woken_s": (5, reconnecting.sleep_and_wake),
    "second_tab_s": (5, reconnecting.take_over_in_another_tab),
    "media_killed_s": (10, reconnecting.kill_the_media_node),
    "web_killed_s": (5, reconnecting.kill_the_web),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./consilium bench reconnect")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="all, unless named")
    wanted = [name for name in ROWS if name in parser.parse_args().rows] or list(ROWS)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        settings = Settings.load(
            mode="test", data_dir=Path(folder), secret_key=SECRET_KEY, master_keys=MASTER_KEYS
        )
        database = create_app(settings).extensions["database"]
        Base.metadata.create_all(database.engine)
        with a_scene(Path(folder), settings, database) as scene, reconnecting.Restarts(scene):
            scene.everyone_is_inside()
            scene.everyone_meets()
            for name in wanted:
                scene.doctor.wait(2000)
                before = reconnecting.standing(scene)
                found[name] = ROWS[name][1](scene)
                same = reconnecting.standing(scene) == before
                print(
                    f"{name:<20} {found[name]:6.2f} s  {'as it was' if same else 'CHANGED'}",
                    flush=True,
                )
        database.close()
    reached = all(found[name] <= ROWS[name][0] for name in found)
    print(json.dumps({"bench": "reconnect", **found, "reached": reached}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
