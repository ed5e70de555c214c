"""The blueprint of the records, shared by their files of routes."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from app.records import words
from app.records.inspection import kinds
from app.records.receiving.spool import SealedRequest

blueprint = Blueprint("records", __name__, template_folder="templates")


@blueprint.record_once
def _install_sealed_requests(state: BlueprintSetupState) -> None:
    cast(Flask, state.app).request_class = SealedRequest


@blueprint.app_context_processor
def _template_words() -> dict[str, object]:
    return {
        "record_words": words,
        "kind_of_record": lambda record: kinds.KIND_BY_MEDIA_TYPE.get(record.media_type),
    }
