"""Patients' pages can be read by a twelve-year-old; what is harder is named here, with why."""

from __future__ import annotations

from tests.reading_level import MAX_GRADE, grade_of, list_sentences, measure_patient_sources

# Harder than the rest, with the highest grade that is accepted.
EXCEPTIONS = {
    # Consents must name the consultation, the specialist, the interpreter and what each may do.
    "cases/consents.py": 9.0,
}


def test_every_source_that_patients_read_is_easy_enough():
    hard = {
        source: grade
        for source, grade in measure_patient_sources().items()
        if grade > EXCEPTIONS.get(source, MAX_GRADE)
    }
    assert hard == {}


def test_no_exception_has_become_needless():
    measured = measure_patient_sources()
    assert [one for one in EXCEPTIONS if measured[one] <= MAX_GRADE] == []


def test_a_hard_sentence_has_a_high_grade():
    easy = list_sentences("Send your records now. We keep what has come.")
    hard = list_sentences(
        "Notwithstanding intermittent connectivity, previously transmitted documentation remains"
        " retained pending reestablishment of communication."
    )
    assert grade_of(easy) < 4 < 15 < grade_of(hard)
    assert grade_of(list_sentences("Save")) == 0
