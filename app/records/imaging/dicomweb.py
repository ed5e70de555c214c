"""DICOMweb answers (PS3.18): what a search matches, and how it is written. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from app.core.errors import Refusal
from app.core.text import N_
from app.records.imaging.models import ImagingInstance
from app.records.imaging.queries import SeriesSummary, StudySummary

DicomJson = dict[str, dict[str, Any]]
MAX_RESULTS = 5_000
_OPTIONS = ("limit", "offset", "includefield", "fuzzymatching", "lang")


class UnknownSearchKey(Refusal):
    status = 400
    default = N_("“%(name)s” is not a DICOM attribute.")


class BrokenSearch(Refusal):
    status = 400
    default = N_("“%(name)s” must be a whole number that is not negative.")


@dataclass(frozen=True)
class ImagingSearch:
    """A QIDO-RS search: values by tag, and which of the results are wanted."""

    wanted: Mapping[str, str]
    limit: int = MAX_RESULTS
    offset: int = 0

    def pick(self, results: Sequence[DicomJson]) -> list[DicomJson]:
        found = [
            result
            for result in results
            if all(_matches(result.get(tag), value) for tag, value in self.wanted.items())
        ]
        return found[self.offset : self.offset + self.limit]


def read_imaging_search(arguments: Mapping[str, str]) -> ImagingSearch:
    """Raises ``UnknownSearchKey``, ``BrokenSearch``."""
    wanted = {
        _read_tag(name): value
        for name, value in arguments.items()
        if name not in _OPTIONS and value
    }
    return ImagingSearch(
        wanted,
        min(_read_count(arguments, "limit", MAX_RESULTS), MAX_RESULTS),
        _read_count(arguments, "offset", 0),
    )


def _read_tag(name: str) -> str:
    last = name.rsplit(".", 1)[-1]
    tag = tag_for_keyword(last)
    if tag is not None:
        return f"{tag:08X}"
    if len(last) == 8 and all(character in "0123456789abcdefABCDEF" for character in last):
        return last.upper()
    raise UnknownSearchKey(name=name[:64])


def _read_count(arguments: Mapping[str, str], name: str, default: int) -> int:
    typed = arguments.get(name, "")
    if not typed:
        return default
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise BrokenSearch(name=name)
    return int(typed)


def _matches(element: dict[str, Any] | None, wanted: str) -> bool:
    """Matching by list of UIDs, by range, by wild card, else as a whole (PS3.4, C.2.2.2)."""
    if element is None:
        return True  # an attribute that is no search key here is ignored (PS3.18, 8.3.4.1)
    values = [_plain(value) for value in element.get("Value", [])]
    if element["vr"] == "UI":
        return bool(set(values) & set(wanted.replace("\\", ",").split(",")))
    if element["vr"] in ("DA", "TM") and "-" in wanted:
        low, _, high = wanted.partition("-")
        return any((low or "") <= value <= (high or "~") for value in values)
    pattern = wanted.casefold().replace("[", "[[]")
    return any(fnmatch.fnmatchcase(value.casefold(), pattern) for value in values)


def _plain(value: Any) -> str:
    return value.get("Alphabetic", "") if isinstance(value, dict) else str(value)


def write_study(summary: StudySummary, address: str) -> DicomJson:
    study, patient = summary.study, summary.identity
    return {
        **_element("00080005", "ISO_IR 192"),
        **_element("00080020", study.date),
        **_element("00080030", study.time),
        **_element("00080050", study.accession),
        **_element("00080056", "ONLINE"),
        "00080061": {"vr": "CS", "Value": summary.modalities},
        **_element("00081030", study.description),
        **_element("00081190", f"{address}/studies/{study.uid}"),
        "00100010": _person_name(patient.name),
        **_element("00100020", patient.patient_id),
        **_element("00100030", patient.birth_date),
        **_element("00100040", patient.sex),
        **_element("0020000D", study.uid),
        **_element("00201206", len(summary.series)),
        **_element("00201208", summary.instances),
    }


def write_series(summary: StudySummary, one: SeriesSummary, address: str) -> DicomJson:
    series = one.series
    return {
        **_element("00080005", "ISO_IR 192"),
        **_element("00080060", series.modality),
        **_element("0008103E", series.description),
        **_element("00180015", series.body_part),
        **_element("00081190", f"{address}/studies/{summary.study.uid}/series/{series.uid}"),
        **_element("0020000D", summary.study.uid),
        **_element("0020000E", series.uid),
        **_element("00200011", series.number),
        **_element("00201209", one.instances),
    }


def write_instance(
    study_uid: str, series_uid: str, modality: str, instance: ImagingInstance, address: str
) -> DicomJson:
    below = f"{address}/studies/{study_uid}/series/{series_uid}/instances/{instance.uid}"
    return {
        **_element("00080005", "ISO_IR 192"),
        **_element("00080016", instance.sop_class),
        **_element("00080018", instance.uid),
        **_element("00080056", "ONLINE"),
        **_element("00080060", modality),
        **_element("00081190", below),
        **_element("00083002", instance.transfer_syntax),
        **_element("0020000D", study_uid),
        **_element("0020000E", series_uid),
        **_element("00200013", instance.number),
        **_element("00280008", instance.frames or None),
        **_element("00280010", instance.rows or None),
        **_element("00280011", instance.columns or None),
    }


def _element(tag: str, value: str | int | None) -> DicomJson:
    kind = dictionary_VR(int(tag, 16))
    return {tag: {"vr": kind} if value in ("", None) else {"vr": kind, "Value": [value]}}


def _person_name(name: str) -> dict[str, Any]:
    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False))
    groups = {key: value for key, value in groups.items() if value}
    return {"vr": "PN", "Value": [groups]} if groups else {"vr": "PN"}
