"""Opinions: writing, signing, releasing."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.demo import DemoData
from app.core.notices import NoticeKind
from app.core.slices import SliceManifest
from app.core.text import N_
from app.opinions import jobs
from app.opinions.case_page import OPINION_FACTS, OPINION_PANEL, OPINION_STEP_RULES
from app.opinions.demo import seed_demo_opinion
from app.opinions.permissions import OPINION_PERMISSION_ROLES
from app.opinions.verbs import OPINION_AUDIT_VERB_LABELS

_READ_OPINION_LABEL = N_("Read the opinion")
OPINION_NOTICES: Mapping[str, NoticeKind] = {
    "opinion_signed": NoticeKind(
        N_("An opinion was signed"),
        (N_("The opinion for case %(number)s is signed. You can release it to the patient."),),
        "opinions.show_opinion",
        N_("See the opinion"),
    ),
    "opinion_addendum": NoticeKind(
        N_("A note was added to your opinion"),
        (N_("The specialist added a note to the opinion for case %(number)s."),),
        "opinions.show_opinion",
        _READ_OPINION_LABEL,
    ),
    "opinion_released": NoticeKind(
        N_("Your second opinion is ready"),
        (
            N_(
                "The opinion for case %(number)s is signed. You can read it now, and"
                " download it as a PDF."
            ),
        ),
        "opinions.show_opinion",
        _READ_OPINION_LABEL,
    ),
}

MANIFEST = SliceManifest(
    name="opinions",
    office_sources=(
        "verbs.py",
        "templates/opinions/edit.html",
        "templates/opinions/confirm.html",
        "service.py",
        "routes.py",
        "forms.py",
    ),
    after=("consults",),
    permissions=OPINION_PERMISSION_ROLES,
    audit_verbs=OPINION_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
    notices=OPINION_NOTICES,
    extensions=(OPINION_FACTS, OPINION_PANEL, *OPINION_STEP_RULES),
    addresses={"opinions.show_opinion": "/cases/<case_id>/opinion"},
    blueprint="app.opinions.routes:blueprint",
    demo=DemoData(seed=seed_demo_opinion),
)
