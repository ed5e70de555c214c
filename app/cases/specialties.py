"""The specialties a case can belong to, by stable key (names of the practice-setting value set of
FHIR R4).
"""

from __future__ import annotations

from app.core.text import N_
from app.i18n.collation import sort_by_name
from app.i18n.translate import make_translator

SPECIALTIES: dict[str, str] = {
    "oncology": N_("Cancer (oncology)"),
    "cardiology": N_("Heart (cardiology)"),
    "neurology": N_("Brain and nerves (neurology)"),
    "neurosurgery": N_("Brain and spine surgery (neurosurgery)"),
    "orthopaedics": N_("Bones and joints (orthopaedics)"),
    "haematology": N_("Blood (haematology)"),
    "gastroenterology": N_("Stomach, bowel and liver (gastroenterology)"),
    "nephrology": N_("Kidneys (nephrology)"),
    "paediatrics": N_("Children (paediatrics)"),
    "ophthalmology": N_("Eyes (ophthalmology)"),
    "transplant": N_("Organ transplants (transplant medicine)"),
    "womens_health": N_("Women’s health (gynaecology)"),
    "vascular": N_("Blood vessels (vascular surgery)"),
    "rheumatology": N_("Joints and immune system (rheumatology)"),
    "general": N_("Something else, or I am not sure"),
}


def list_specialty_choices(reader: str) -> list[tuple[str, str]]:
    """Every specialty with its name in the language of ``reader``, in the order of the names; the
    unknown one last.
    """
    say = make_translator(reader)
    named = sort_by_name(((key, say(words)) for key, words in SPECIALTIES.items()), reader)
    return sorted(named, key=lambda one: one[0] == "general")
