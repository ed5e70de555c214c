"""Every kind of job there is, gathered from the slices."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec

from app.jobs.runner import JobHandler

JOB_SLICES = ("audit", "records", "scheduling", "consults", "opinions", "notifications")


def gather_job_handlers() -> tuple[dict[str, JobHandler], list[tuple[str, timedelta]]]:
    """All handlers by kind, and all periodic kinds. Raises `ValueError` when two slices claim one
    kind.
    """
    handlers: dict[str, JobHandler] = {}
    periodic: list[tuple[str, timedelta]] = []
    names = [
        f"app.{name}.jobs"
        for name in JOB_SLICES
        if find_spec(f"app.{name}") and find_spec(f"app.{name}.jobs")
    ]
    for name in [*names, "app.jobs.periodic"]:
        module = import_module(name)
        twice = handlers.keys() & module.HANDLERS.keys()
        if twice:
            raise ValueError(
                f"{name} claims {', '.join(sorted(twice))}, which another slice already does"
            )
        handlers |= module.HANDLERS
        periodic += getattr(module, "PERIODIC", [])
    unknown = [kind for kind, _ in periodic if kind not in handlers]
    if unknown:
        raise ValueError(f"periodic, but nobody handles it: {', '.join(unknown)}")
    return handlers, periodic
