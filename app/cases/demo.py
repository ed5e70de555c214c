"""The cases of the demo, at every stage. Nobody here has ever been ill."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases import service
from app.cases.consents import CONSENT_TEXTS
from app.cases.models import Case
from app.cases.service import CaseDraft
from app.core.demo import DemoDiary
from app.identity.demo import load_demo_people
from app.identity.models import Person

DEMO_REQUESTS: dict[str, CaseDraft] = {
    "patient": CaseDraft(
        "oncology",
        "اكتشفتُ كتلة في الثدي الأيسر في شهر مايو. أظهرت الخزعة ورمًا من النوع القنوي بدرجة ثانية،"
        " ومستقبلات الهرمون إيجابية. اقترح طبيبي جراحة ثم علاجًا كيميائيًا، وأنا متردّدة بشأن"
        " العلاج الكيميائي لأن العقد اللمفاوية سليمة.",
        (
            "هل التشخيص صحيح ومكتمل؟",
            "هل أحتاج إلى علاج كيميائي بعد الجراحة؟",
            "هل يفيد اختبار جيني للورم قبل أن نقرّر؟",
        ),
    ),
    "patient2": CaseDraft(
        "cardiology",
        "Tengo 58 años. Desde hace seis meses me falta el aire al subir escaleras. Un"
        " ecocardiograma mostró una válvula aórtica estrecha. Mi cardiólogo propone cambiarla con"
        " cirugía abierta; otro médico habló de hacerlo por catéter.",
        ("¿Es mejor la cirugía abierta o el catéter en mi caso?", "¿Puedo esperar unos meses?"),
    ),
    "patient3": CaseDraft(
        "neurology",
        "我今年四十六岁。一年来右手逐渐颤抖,写字变小。当地医生诊断为帕金森病,建议开始服药。"
        "我想确认诊断,并了解是否需要做进一步检查。",
        ("诊断是否正确?", "现在需要开始用药吗?"),
    ),
    "patient4": CaseDraft(
        "haematology",
        "منذ ثلاثة أشهر أشعر بتعب شديد، وأظهر تحليل الدم انخفاضًا في الصفائح. أخذت الكورتيزون"
        " فتحسّنت ثم عادت الحالة.",
        ("ما العلاج التالي إذا لم ينفع الكورتيزون؟", "هل أحتاج إلى فحص نخاع العظم؟"),
    ),
    "patient5": CaseDraft(
        "orthopaedics",
        "Hace un año me lesioné la rodilla derecha jugando fútbol. La resonancia muestra una rotura"
        " del menisco interno. He hecho fisioterapia tres meses y aún me duele al agacharme.",
        ("¿Necesito una operación?", "¿Qué ejercicios puedo hacer sin riesgo?"),
    ),
    "patient6": CaseDraft(
        "oncology",
        "أُزيل ورم صغير من الغدة الدرقية قبل شهرين. التقرير يقول إنه حليمي بقياس ثمانية ملم. يختلف"
        " طبيباي في الحاجة إلى اليود المشع.",
        ("هل أحتاج إلى اليود المشع؟",),
        written_only=True,
    ),
    "patient7": CaseDraft(
        "oncology",
        "شُخّص والدي بورم في القولون وأُجريت له جراحة ناجحة. وُجدت عقدتان لمفاويتان مصابتان. نسأل"
        " عن العلاج بعد الجراحة.",
        ("ما مدة العلاج الكيميائي المناسبة؟", "هل توجد بدائل أخف على كبار السن؟"),
        for_self=False,
        subject_name="حسن محمود",
        subject_relation="parent",
        subject_authority="أنا ابنه، ومعي توكيل موقّع منه.",
    ),
    "patient8": CaseDraft(
        "paediatrics",
        "Mi hija tiene siete años y dolor de barriga casi todas las semanas desde el verano. Los"
        " análisis son normales.",
        ("¿Qué falta por estudiar?", "¿Puede ser intolerancia a la lactosa?"),
        for_self=False,
        subject_name="Lucía Torres",
        subject_relation="child",
        subject_authority="Soy su padre.",
    ),
    "patient9": CaseDraft(
        "cardiology",
        "Tomo medicamento para la presión desde hace diez años. En un control encontraron una"
        " arritmia y me propusieron una ablación.",
        ("¿Es necesaria la ablación?", "¿Debo tomar anticoagulantes?"),
        written_only=True,
    ),
}
DEMO_MISSING_RECORD = "最近一次脑部核磁共振的影像和报告。"
DEMO_SENT_DAYS_AGO = {
    "patient9": 13,
    "patient7": 12,
    "patient6": 11,
    "patient": 6,
    "patient4": 5,
    "patient3": 4,
    "patient2": 3,
    "patient5": 3,
    "patient8": 0.6,
}
"""How many days ago each patient sent their case."""


def seed_demo_cases(diary: DemoDiary) -> None:
    """Plans what patients, the office and specialists did with the cases."""
    session, people = diary.session, load_demo_people(diary.session)
    office = people["coordinator"]

    def case_of(key: str) -> Case:
        return find_demo_case(session, people[key])

    def checked(key: str, days_ago: float) -> None:
        diary.on(days_ago, lambda: service.begin_triage(session, office, case_of(key)))

    def accepted(key: str, days_ago: float, *helpers: str) -> None:
        def act() -> None:
            for helper in helpers:
                service.assign_person_to_case(session, office, case_of(key), people[helper])
            service.accept_case(session, office, case_of(key))

        diary.on(days_ago, act)

    for key, days_ago in DEMO_SENT_DAYS_AGO.items():
        diary.on(days_ago, lambda key=key: submit_demo_case(session, people[key]))
    checked("patient9", 12.8)
    accepted("patient9", 12, "cardiologist")
    checked("patient7", 11.5)
    accepted("patient7", 11, "specialist", "interpreter")
    diary.on(
        2.9, lambda: service.mark_case_consulted(session, people["specialist"], case_of("patient7"))
    )
    checked("patient6", 10.5)
    accepted("patient6", 8.5, "specialist")
    checked("patient", 5.7)
    accepted("patient", 5, "specialist", "interpreter")
    checked("patient4", 4.6)
    accepted("patient4", 3, "specialist", "interpreter")
    checked("patient3", 3.5)
    diary.on(
        2,
        lambda: service.request_records(session, office, case_of("patient3"), DEMO_MISSING_RECORD),
    )
    checked("patient5", 2.5)
    accepted("patient5", 1, "surgeon")
    checked("patient8", 0.2)


def find_demo_case(session: Session, patient: Person) -> Case:
    """The first case of a demo patient."""
    return session.scalars(
        select(Case).where(Case.patient_id == patient.id).order_by(Case.number).limit(1)
    ).one()


def submit_demo_case(session: Session, patient: Person) -> Case:
    case = service.create_case(session, patient, DEMO_REQUESTS[patient.email.partition("@")[0]])
    service.give_consents(session, patient, case, list(CONSENT_TEXTS))
    service.submit_case(session, patient, case)
    return case


def accept_demo_case(session: Session, case: Case, helpers: Sequence[Person]) -> None:
    """The office checks a case that was sent, puts these people on it and accepts it."""
    office = load_demo_people(session)["coordinator"]
    service.begin_triage(session, office, case)
    for helper in helpers:
        service.assign_person_to_case(session, office, case, helper)
    service.accept_case(session, office, case)
