"""The blueprint of the consults, shared by their files of routes."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("consults", __name__, url_prefix="/consults", template_folder="templates")
