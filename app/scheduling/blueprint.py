"""What the routes of this slice hang on."""

from __future__ import annotations

from flask import Blueprint

from app.scheduling.matching.slots import count_interpreters_needed
from app.scheduling.time.quarters import QUARTER_MINUTES

blueprint = Blueprint("scheduling", __name__, template_folder="templates")


@blueprint.app_template_filter("quarter_minutes")
def convert_quarters_to_minutes(quarters: int) -> int:
    """The minutes of a number of quarters of an hour."""
    return quarters * QUARTER_MINUTES


blueprint.add_app_template_filter(count_interpreters_needed, "interpreters_needed")
