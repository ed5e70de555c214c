"""The blueprint of the pages of organisations."""

from flask import Blueprint

blueprint = Blueprint("organizations", __name__, template_folder="templates")
