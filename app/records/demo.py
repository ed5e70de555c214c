"""The records of the demo. All are invented."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.cases.demo import DEMO_SENT_DAYS_AGO, find_demo_case
from app.cases.models import Case
from app.core.blobs import BlobStore
from app.core.crypto import Keyring
from app.core.demo import DemoDiary
from app.core.ids import new_id
from app.identity.demo import load_demo_people
from app.records import service
from app.records.service import NewUpload, StoredPart

DEMO_RECORDS: dict[str, tuple[tuple[str, str], ...]] = {
    "patient": (
        (
            "تقرير الخزعة - مايو.txt",
            (
                "تقرير تشريح مرضي\nالعينة: خزعة إبرية من الثدي الأيسر\nالنتيجة: سرطانة قنوية غازية،"
                " الدرجة الثانية\nER 90%  PR 70%  HER2 (1+)  Ki-67 18%\n"
            ),
        ),
        (
            "Laboratory results.txt",
            (
                "Haemoglobin 12.8 g/dl\nLeucocytes 6.1 /nl\nThrombocytes 244 /nl\nCreatinine 0.7"
                " mg/dl\n"
            ),
        ),
    ),
    "patient2": (
        (
            "Ecocardiograma.txt",
            "Válvula aórtica: área 0,8 cm², gradiente medio 46 mmHg. FEVI 60 %.\n",
        ),
    ),
    "patient4": (
        (
            "تحاليل الدم.txt",
            (
                "Thrombocytes 18 /nl (2026-08)\nThrombocytes 96 /nl (2026-09)\nThrombocytes 22 /nl"
                " (2026-10)\n"
            ),
        ),
    ),
    "patient5": (
        (
            "Resonancia de rodilla.txt",
            "Rotura oblicua del cuerno posterior del menisco interno, grado III.\n",
        ),
    ),
    "patient6": (
        (
            "تقرير الغدة الدرقية.txt",
            "Papillary carcinoma, 8 mm, no extension, margins free. pT1a.\n",
        ),
    ),
    "patient7": (("تقرير الجراحة.txt", "Right hemicolectomy. pT3 pN1b (2/21) M0, R0. MSS.\n"),),
    "patient9": (
        ("Holter 24 horas.txt", "Fibrilación auricular paroxística, carga 4 %. CHA2DS2-VASc 3.\n"),
    ),
}


def seed_demo_records(diary: DemoDiary) -> None:
    """Plans that patients send their records together with their cases."""
    session, people = diary.session, load_demo_people(diary.session)
    blobs = BlobStore(diary.settings.storage_url, Keyring(diary.settings.master_keys))

    def send(key: str) -> None:
        for name, text in DEMO_RECORDS.get(key, ()):
            case = find_demo_case(session, people[key])
            _send_record(session, blobs, case, name, text.encode())

    for key, days_ago in DEMO_SENT_DAYS_AGO.items():
        diary.on(days_ago, lambda key=key: send(key))


def _send_record(session: Session, blobs: BlobStore, case: Case, name: str, content: bytes) -> None:
    patient = case.patient
    upload = service.begin_upload(
        session, patient, case, NewUpload("single", name, len(content), content)
    )
    writer, part = service.take_over_upload(session, upload, 0), new_id()
    service.append_parts(
        session, patient, upload, writer, [StoredPart(part, 0, blobs.put(part, [content]))]
    )
