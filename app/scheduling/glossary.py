"""Words that an interpreter does well to prepare: drugs, parts of the body, abbreviations. Pure.

Only words from closed lists and shapes are taken, so that no name of a person can slip into a brief: an unknown
word in capitals is not an abbreviation here.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MOST_TERMS = 120


class Kind(StrEnum):
    DRUG = "drug"
    ANATOMY = "anatomy"
    ABBREVIATION = "abbreviation"


@dataclass(frozen=True, order=True)
class Term:
    kind: Kind
    text: str


# Stems of international nonproprietary names (WHO, «The use of stems in the selection of INN»): the ends that decide.
_STEMS = (
    "mab", "tinib", "ciclib", "parib", "rafenib", "limus", "platin", "taxel", "rubicin", "statin", "sartan",
    "prazole", "olol", "pril", "dipine", "gliptin", "gliflozin", "glutide", "xaban", "gatran", "parin",
    "cillin", "floxacin", "cycline", "mycin", "vir", "azole", "setron", "triptan", "azepam", "zolam", "oxetine",
    "trexate", "dronate", "lukast", "terol", "tropium", "sone", "solone", "caine", "fentanil", "metacin",
    "profen", "formin", "semide", "thiazide", "grel", "fibrate", "zumab", "ximab", "bicin", "trozole",
    "lutamide", "relix", "poetin", "grastim", "mustine",
)
_DRUG = re.compile(rf"\b[a-z]{{3,}}(?:{'|'.join(_STEMS)})\b", re.IGNORECASE)
_NOT_DRUGS = frozenset({
    "person", "reason", "season", "lesson", "poison", "prison", "comparison", "unison", "elixir", "april", "heparin"})
_OTHER_DRUGS = frozenset({
    "aspirin", "insulin", "metformin", "paracetamol", "ibuprofen", "morphine", "warfarin", "heparin", "tamoxifen",
    "prednisone", "levothyroxine", "methotrexate", "digoxin", "codeine", "tramadol", "amoxicillin", "cisplatin"})

_ANATOMY = frozenset("""
abdomen adrenal aorta artery atrium bile bladder bone bowel brain breast bronchus cartilage cerebellum cervix
colon cornea cortex disc diaphragm duodenum esophagus oesophagus femur gallbladder ganglion gland heart hip
intestine jaw joint kidney knee larynx ligament liver lung lymph marrow meniscus muscle nerve oesophagus ovary
pancreas parathyroid pelvis pharynx pituitary placenta pleura prostate rectum retina rib sacrum scrotum
shoulder sigmoid sinus skin skull spine spleen stomach tendon testis thorax thymus thyroid tongue tonsil
trachea ureter urethra uterus valve vein ventricle vertebra
""".split())

_ABBREVIATIONS = frozenset("""
AF ALT ANA APTT AST AVM BMI BNP BP BUN CABG CBC CEA CHF CKD CLL CML CMR CNS COPD CPAP CRP CSF CT CTA CVA DCIS
DLBCL DNA DVT ECG ECHO ED EEG EF EGFR EMG ENT ER ERCP ESR EUS FEV FISH FNA GERD GFR GI GIST HCC HDL HER HIV
HPV HRT IBD IBS ICD ICU IHC INR IV LAD LDL LFT LV LVEF MDS MI MRA MRCP MRI MS NSAID NSCLC OCT OP PAP PCI PCR
PE PET PFT PR PSA PT PTSD RA RBC RCC RNA RV SCLC SLE SPECT SSRI TAVI TIA TNM TSH UTI VF VT WBC
""".split())
_WITH_DIGITS = re.compile(r"\b(?:[A-Z]{2,5}-?\d{1,3}[A-Z]?|[A-Z]\d{1,2}(?:-[A-Z]?\d{1,2})?|[TNM][0-4][a-c]?)\b")
_CAPITALS = re.compile(r"\b[A-Z]{2,5}\b")
_WORD = re.compile(r"[^\W\d_]+")


def terms_in(*texts: str) -> list[Term]:
    """The terms of some texts, each once, sorted by kind and alphabet."""
    found: set[Term] = set()
    for text in texts:
        words = {word.lower() for word in _WORD.findall(text)}
        found |= {Term(Kind.ANATOMY, word) for word in words if _singular(word) in _ANATOMY}
        drugs = {match.lower() for match in _DRUG.findall(text)} - _NOT_DRUGS | words & _OTHER_DRUGS
        found |= {Term(Kind.DRUG, drug) for drug in drugs}
        short = set(_CAPITALS.findall(text)) & _ABBREVIATIONS | set(_WITH_DIGITS.findall(text))
        found |= {Term(Kind.ABBREVIATION, one) for one in short}
    return sorted(found)[:MOST_TERMS]


def _singular(word: str) -> str:
    if word in _ANATOMY:
        return word
    for end, instead in (("ies", "y"), ("es", ""), ("s", ""), ("ae", "a")):
        if word.endswith(end) and word[:-len(end)] + instead in _ANATOMY:
            return word[:-len(end)] + instead
    return word
