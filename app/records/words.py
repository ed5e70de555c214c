"""The sentences of this slice that are chosen by a key. The edge translates them for their
reader.
"""

from __future__ import annotations

from app.core.text import N_

ACCEPTED = N_(
    "We accept DICOM images, PDF, JPEG, PNG, TIFF, Word (DOCX), plain text, HL7, FHIR JSON, and ZIP"
    " folders of these."
)

# Why a record was refused or held back; ``%(name)s`` is the file.
REASONS: dict[str, str] = {
    "type": N_(
        "We cannot take “%(name)s”, because it is not a kind of file that a doctor here can open."
    ),
    "looks_like": N_("We cannot take “%(name)s”: it looks like a “%(ending)s” file."),
    "zip_holds": N_(
        "The ZIP folder holds “%(name)s”, which is not a kind of file that we accept. Please take"
        " it out, or send the other files one by one."
    ),
    "zip_locked": N_(
        "The ZIP folder is locked with a password. Please send it without a password."
    ),
    "zip_nested": N_(
        "The ZIP folder holds another packed folder, “%(name)s”. Please unpack it and send its"
        " files."
    ),
    "zip_bomb": N_(
        "The ZIP folder unpacks to far more than it should, so we did not open it. Please send its"
        " files one by one."
    ),
    "zip_broken": N_(
        "We cannot open the ZIP folder “%(name)s”. It may be damaged. Please make it again, or send"
        " its files one by one."
    ),
    "zip_empty": N_("The ZIP folder is empty. Please choose another one."),
    "broken": N_("“%(name)s” seems to be damaged or not complete. Please send it again."),
    "too_complex": N_(
        "We could not check “%(name)s” because opening it takes too much time or memory. Please"
        " save it again in another format, or split it, and send it again."
    ),
    "macros": N_(
        "“%(name)s” holds a macro, which is a small program. Please save it as PDF and send that."
    ),
    "virus": N_(
        "“%(name)s” may hold a virus, so it stays locked. The hospital has been told and will write"
        " to you."
    ),
}

STATES: dict[str, str] = {
    "arriving": N_("On its way to us"),
    "inspecting": N_("We are checking this file. You need to do nothing."),
    "ready": N_("Safely received"),
    "refused": N_("Not accepted"),
    "quarantined": N_("Held back until the hospital has looked at it"),
}

KINDS: dict[str, str] = {
    "dicom": N_("Medical images (DICOM)"),
    "pdf": N_("PDF document"),
    "jpeg": N_("Picture (JPEG)"),
    "png": N_("Picture (PNG)"),
    "tiff": N_("Picture (TIFF)"),
    "docx": N_("Word document"),
    "text": N_("Text"),
    "hl7": N_("HL7 message"),
    "fhir": N_("FHIR document"),
    "zip": N_("ZIP folder"),
    "recording": N_("Recording of the consultation"),
}
