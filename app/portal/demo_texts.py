"""The people and the stories of the demo. All are invented; nobody here has ever been ill."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.cases.service import CaseDraft
from app.core.permissions import Role


@dataclass(frozen=True)
class DemoPerson:
    """A demo person; the address is `key@demo.example`. `hours` are their weekly hours, Monday to
    Friday.
    """

    key: str
    role: Role
    name: str
    language: str
    timezone: str
    country: str
    title: str = ""
    specialties: tuple[str, ...] = ()
    speaks: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None
    pairs: tuple[tuple[str, str], ...] = field(default=())


DEMO_PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson(
        "coordinator",
        Role.COORDINATOR,
        "Maria Ortega",
        "en",
        "Europe/Berlin",
        "DE",
        speaks=("es", "de"),
    ),
    DemoPerson("admin", Role.ADMINISTRATOR, "Jonas Weber", "en", "Europe/Berlin", "DE"),
    DemoPerson("auditor", Role.AUDITOR, "Ingrid Solberg", "en", "Europe/Oslo", "NO"),
    DemoPerson(
        "specialist",
        Role.SPECIALIST,
        "Anna Bergmann",
        "en",
        "Europe/Berlin",
        "DE",
        "Prof.",
        ("oncology", "haematology"),
        ("de",),
        (8, 18),
    ),
    DemoPerson(
        "cardiologist",
        Role.SPECIALIST,
        "Michael Chen",
        "en",
        "America/New_York",
        "US",
        "Dr.",
        ("cardiology", "nephrology"),
        (),
        (8, 17),
    ),
    DemoPerson(
        "neurologist",
        Role.SPECIALIST,
        "Priya Raman",
        "en",
        "Europe/London",
        "GB",
        "Dr.",
        ("neurology", "neurosurgery"),
        ("hi",),
        (9, 18),
    ),
    DemoPerson(
        "surgeon",
        Role.SPECIALIST,
        "Erik Lindqvist",
        "en",
        "Europe/Stockholm",
        "SE",
        "Dr.",
        ("orthopaedics", "rheumatology"),
        ("sv",),
        (9, 17),
    ),
    DemoPerson(
        "paediatrician",
        Role.SPECIALIST,
        "Carmen Vidal",
        "es",
        "Europe/Madrid",
        "ES",
        "Dra.",
        ("paediatrics", "gastroenterology"),
        ("en",),
        (9, 15),
    ),
    DemoPerson(
        "interpreter",
        Role.INTERPRETER,
        "Omar Haddad",
        "ar",
        "Africa/Cairo",
        "EG",
        speaks=("en",),
        hours=(8, 20),
        pairs=(("ar", "en"),),
    ),
    DemoPerson(
        "interpreter2",
        Role.INTERPRETER,
        "Nadia Mansour",
        "ar",
        "Asia/Beirut",
        "LB",
        speaks=("en", "fr"),
        hours=(9, 21),
        pairs=(("ar", "en"), ("ar", "fr")),
    ),
    DemoPerson(
        "interpreter3",
        Role.INTERPRETER,
        "Lucía Fernández",
        "es",
        "Europe/Madrid",
        "ES",
        speaks=("en",),
        hours=(12, 22),
        pairs=(("es", "en"),),
    ),
    DemoPerson(
        "interpreter4",
        Role.INTERPRETER,
        "Lin Wei",
        "zh",
        "Asia/Shanghai",
        "CN",
        speaks=("en",),
        hours=(13, 22),
        pairs=(("zh", "en"),),
    ),
    DemoPerson("patient", Role.PATIENT, "ليلى الحربي", "ar", "Asia/Riyadh", "SA"),
    DemoPerson("patient2", Role.PATIENT, "Carlos Ramírez Soto", "es", "America/Mexico_City", "MX"),
    DemoPerson("patient3", Role.PATIENT, "王芳", "zh", "Asia/Shanghai", "CN"),
    DemoPerson("patient4", Role.PATIENT, "يوسف خليل", "ar", "Asia/Amman", "JO"),
    DemoPerson("patient5", Role.PATIENT, "María López Cárdenas", "es", "America/Bogota", "CO"),
    DemoPerson("patient6", Role.PATIENT, "سميرة عزيز", "ar", "Asia/Baghdad", "IQ"),
    DemoPerson("patient7", Role.PATIENT, "أحمد حسن", "ar", "Africa/Cairo", "EG"),
    DemoPerson("patient8", Role.PATIENT, "Diego Torres Quispe", "es", "America/Lima", "PE"),
    DemoPerson("patient9", Role.PATIENT, "Rosa Jiménez Vega", "es", "America/Mexico_City", "MX"),
)
SHOWN_DEMO_ACCOUNTS = ("patient", "specialist", "interpreter", "coordinator", "admin", "auditor")

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
