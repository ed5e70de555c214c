"""The sentences of this slice that are chosen by a key. The edge translates them for their
reader.
"""

from __future__ import annotations

from app.core.text import N_

ACCEPTED = N_(
    "We accept DICOM images and CD images (ISO), PDF, photos (JPEG, PNG, TIFF, HEIC, WebP, AVIF,"
    " GIF, BMP), videos (MP4, MOV), Word, Excel, OpenDocument and RTF files, text and tables (CSV),"
    " e-mails (EML), HL7, FHIR and C-CDA, and ZIP folders of these."
)

# Why a record was refused or held back; ``%(name)s`` is the file.
REASONS: dict[str, str] = {
    "type": N_(
        "We cannot take “%(name)s” because the specialists here cannot open this kind of file."
    ),
    "looks_like": N_("We cannot take “%(name)s”. It looks like a “%(ending)s” file."),
    "zip_holds": N_(
        "The ZIP folder contains “%(name)s”, which is not a kind of file that we accept."
        " Take it out, or send the other files one by one."
    ),
    "zip_locked": N_("The ZIP folder is protected with a password. Send it without a password."),
    "zip_nested": N_(
        "The ZIP folder contains another ZIP folder, “%(name)s”. Unpack it and send its files."
    ),
    "zip_bomb": N_(
        "The ZIP folder unpacks to far more than it should, so we did not open it. Send its"
        " files one by one."
    ),
    "zip_broken": N_(
        "We cannot open the ZIP folder “%(name)s”. It may be damaged. Create it again, or"
        " send its files one by one."
    ),
    "zip_empty": N_("The ZIP folder is empty. Choose another one."),
    "broken": N_("“%(name)s” seems to be damaged or incomplete. Send it again."),
    "archive": N_(
        "“%(name)s” is packed as 7z or RAR, which we cannot open. Unpack it on your computer, then"
        " choose the whole folder here, or pack it as ZIP."
    ),
    "embedded": N_(
        "“%(name)s” contains another file or a small program. Save it as PDF and send the PDF."
    ),
    "changed": N_(
        "“%(name)s” did not arrive as it was sent, so we did not keep it. Send it again."
    ),
    "too_complex": N_(
        "We could not check “%(name)s” because opening it takes too much time or memory. Please"
        " save it again in another format, or split it, and send it again."
    ),
    "macros": N_(
        "“%(name)s” contains a macro, which is a small program. Save it as PDF and send the PDF."
    ),
    "dicom_broken": N_(
        "“%(name)s” is a DICOM image that we cannot read. It may be damaged. Send it again, or ask"
        " the hospital for a new copy."
    ),
    "dicom_incomplete": N_(
        "“%(name)s” is a DICOM file without the numbers that say which examination it belongs to."
        " Ask the hospital for a new copy."
    ),
    "dicom_truncated": N_(
        "Part of the image “%(name)s” is missing. Send it again, or ask the hospital for a"
        " new copy."
    ),
    "other_patient": N_(
        "“%(name)s” may be an image of another person, because the name, the birth date or the sex"
        " in it is different. The hospital is checking it."
    ),
    "not_this_patient": N_(
        "“%(name)s” is an image of another person, so the hospital did not keep it."
    ),
    "virus": N_(
        "“%(name)s” may contain a virus, so nobody can open it. The hospital has been told"
        " and will contact you."
    ),
}

STATES: dict[str, str] = {
    "arriving": N_("Being sent"),
    "inspecting": N_("We are checking this file. You do not need to do anything."),
    "ready": N_("Safely received"),
    "refused": N_("Not accepted"),
    "quarantined": N_("On hold until the hospital has checked it"),
}

KINDS: dict[str, str] = {
    "dicom": N_("Medical images (DICOM)"),
    "pdf": N_("PDF"),
    "jpeg": N_("Image (JPEG)"),
    "png": N_("Image (PNG)"),
    "tiff": N_("Image (TIFF)"),
    "webp": N_("Image (WebP)"),
    "gif": N_("Image (GIF)"),
    "bmp": N_("Image (BMP)"),
    "avif": N_("Image (AVIF)"),
    "heic": N_("Photo (HEIC)"),
    "video": N_("Video"),
    "docx": N_("Word file"),
    "doc": N_("Word file"),
    "rtf": N_("RTF text"),
    "odt": N_("OpenDocument text"),
    "xlsx": N_("Excel table"),
    "table": N_("Table (CSV)"),
    "mail": N_("E-mail"),
    "xml": N_("Clinical document (XML)"),
    "iso": N_("CD image (ISO)"),
    "text": N_("Text"),
    "hl7": N_("HL7 message"),
    "fhir": N_("FHIR file"),
    "zip": N_("ZIP folder"),
    "recording": N_("Recording of the consultation"),
}
