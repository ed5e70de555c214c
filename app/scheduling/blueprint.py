"""What the routes of this slice hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("scheduling", __name__, template_folder="templates")
