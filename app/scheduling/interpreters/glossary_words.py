"""The words that a glossary knows: of our own choosing, in English and Latin, as letters to
hospitals write them.

Closed lists, because what is found goes to somebody who may not see the file: a word that is not
here is not taken, so no name of a person or a place can slip through. Drugs are known by the stems
of their international names (WHO, «The use of stems in the selection of INN»), of which only those
are taken that no name or everyday word ends in.
"""

from __future__ import annotations

DRUG_STEMS = """
zumab ximab tumab limab rumab numab lizumab cizumab amab omab tinib ciclib parib rafenib degib lisib
metinib rolimus platin taxel rubicin statin sartan prazole alolol prolol tenolol bunolol oxolol
pranolol vedilol idolol dipine gliptin gliflozin glutide xaban gatran xaparin teparin zaparin cillin
floxacin cycline mycin navir ciclovir tegravir asvir buvir previr amivir conazole nidazole bendazole
setron triptan azepam zolam oxetine trexate dronate lukast meterol moterol anterol caterol tropium
methasone metasone nisone cortisone ticasone solone docaine vacaine ticaine rocaine fentanil metacin
profen osemide asemide thiazide ogrel ugrel agrelor fibrate trozole lutamide relix poetin grastim
mustine
""".split()
DRUG_STEMS_AFTER_SHORT = ("pril", "olol", "mab")  # short ends, of words that are long enough
SHORT_STEM_MIN_LETTERS = 7

DRUGS = frozenset(
    """
acetaminophen aciclovir
adrenaline allopurinol amiodarone amitriptyline aspirin azathioprine baclofen bleomycin
buprenorphine capecitabine carbamazepine clopidogrel codeine colchicine cyclophosphamide ciclosporin
cytarabine digoxin dopamine doxorubicin enoxaparin epinephrine etoposide fluorouracil furosemide
gabapentin gemcitabine glucagon haloperidol heparin hydroxychloroquine hydroxyurea ibuprofen
ifosfamide insulin interferon irinotecan ketamine lamotrigine lenalidomide letrozole levetiracetam
levodopa levothyroxine lithium memantine mercaptopurine mesalazine metformin methadone methotrexate
methylphenidate mirtazapine mitomycin morphine mycophenolate naloxone nitroglycerin octreotide
olanzapine oxaliplatin oxycodone paracetamol pemetrexed phenobarbital phenytoin pregabalin propofol
quetiapine rasburicase riluzole risperidone rituximab spironolactone sulfasalazine tamoxifen
temozolomide thalidomide topiramate tramadol trastuzumab valproate vancomycin venetoclax verapamil
vinblastine vincristine vinorelbine warfarin zoledronate
""".split()
)
NOT_DRUGS = frozenset("april".split())

ANATOMY = frozenset(
    """
abdomen acetabulum achilles adrenal alveolus amygdala ankle aorta appendix artery atrium axilla bile
bladder bone bowel brain brainstem breast bronchus caecum calcaneus capillary carotid cartilage
cerebellum cerebrum cervix clavicle coccyx colon cornea coronary cortex cranium diaphragm disc
duodenum elbow endometrium epidermis epididymis epiglottis esophagus oesophagus femur fibula foramen
frontal gallbladder ganglion gland groin heart hip hippocampus humerus hypothalamus ileum intestine
iris jaw jejunum joint kidney knee larynx lens ligament liver lobe lung lymph mandible marrow
mastoid maxilla meninges meniscus mediastinum muscle myocardium nasopharynx nerve occipital omentum
ovary palate pancreas parathyroid parietal parotid patella pelvis pericardium peritoneum pharynx
pituitary placenta pleura prostate pubis radius rectum retina rib sacrum scalp scapula sclera
scrotum shoulder sigmoid sinus skin skull spine spleen sternum stomach temporal tendon testis
thalamus thigh thorax thymus thyroid tibia tongue tonsil trachea ulna umbilicus ureter urethra
uterus valve vein ventricle vertebra vessel wrist
""".split()
)

ABBREVIATIONS: dict[str, str] = {
    "ACE": "angiotensin-converting enzyme",
    "AF": "atrial fibrillation",
    "AFP": "alpha-fetoprotein",
    "ALL": "acute lymphoblastic leukaemia",
    "ALP": "alkaline phosphatase",
    "ALS": "amyotrophic lateral sclerosis",
    "ALT": "alanine aminotransferase",
    "AML": "acute myeloid leukaemia",
    "ANA": "antinuclear antibodies",
    "APTT": "activated partial thromboplastin time",
    "ARDS": "acute respiratory distress syndrome",
    "ASD": "atrial septal defect",
    "AST": "aspartate aminotransferase",
    "AVM": "arteriovenous malformation",
    "BMI": "body mass index",
    "BNP": "brain natriuretic peptide",
    "BP": "blood pressure",
    "BUN": "blood urea nitrogen",
    "CABG": "coronary artery bypass graft",
    "CBC": "complete blood count",
    "CEA": "carcinoembryonic antigen",
    "CHF": "congestive heart failure",
    "CKD": "chronic kidney disease",
    "CLL": "chronic lymphocytic leukaemia",
    "CML": "chronic myeloid leukaemia",
    "CMR": "cardiac magnetic resonance imaging",
    "CMV": "cytomegalovirus",
    "CNS": "central nervous system",
    "COPD": "chronic obstructive pulmonary disease",
    "CPAP": "continuous positive airway pressure",
    "CRP": "C-reactive protein",
    "CSF": "cerebrospinal fluid",
    "CT": "computed tomography",
    "CTA": "CT angiography",
    "CVA": "cerebrovascular accident",
    "DCIS": "ductal carcinoma in situ",
    "DLBCL": "diffuse large B-cell lymphoma",
    "DNA": "deoxyribonucleic acid",
    "DVT": "deep vein thrombosis",
    "DWI": "diffusion-weighted imaging",
    "EBV": "Epstein–Barr virus",
    "ECG": "electrocardiogram",
    "ECOG": "performance scale of the Eastern Cooperative Oncology Group",
    "EEG": "electroencephalogram",
    "EF": "ejection fraction",
    "EGFR": "epidermal growth factor receptor",
    "EMG": "electromyography",
    "ENT": "ear, nose and throat",
    "ER": "oestrogen receptor",
    "ERCP": "endoscopic retrograde cholangiopancreatography",
    "ESR": "erythrocyte sedimentation rate",
    "EUS": "endoscopic ultrasound",
    "FDG": "fluorodeoxyglucose",
    "FEV": "forced expiratory volume",
    "FISH": "fluorescence in situ hybridisation",
    "FLAIR": "fluid-attenuated inversion recovery",
    "FNA": "fine-needle aspiration",
    "GBM": "glioblastoma",
    "GERD": "gastro-oesophageal reflux disease",
    "GFR": "glomerular filtration rate",
    "GGT": "gamma-glutamyl transferase",
    "GI": "gastrointestinal",
    "GIST": "gastrointestinal stromal tumour",
    "HCC": "hepatocellular carcinoma",
    "HCV": "hepatitis C virus",
    "HBV": "hepatitis B virus",
    "HDL": "high-density lipoprotein",
    "HIV": "human immunodeficiency virus",
    "HPV": "human papillomavirus",
    "HRT": "hormone replacement therapy",
    "IBD": "inflammatory bowel disease",
    "IBS": "irritable bowel syndrome",
    "ICD": "implantable cardioverter-defibrillator",
    "ICU": "intensive care unit",
    "IHC": "immunohistochemistry",
    "INR": "international normalised ratio",
    "IUD": "intrauterine device",
    "IV": "intravenous",
    "IVF": "in vitro fertilisation",
    "LAD": "left anterior descending artery",
    "LDH": "lactate dehydrogenase",
    "LDL": "low-density lipoprotein",
    "LFT": "liver function tests",
    "LVEF": "left ventricular ejection fraction",
    "MDS": "myelodysplastic syndrome",
    "MGUS": "monoclonal gammopathy of undetermined significance",
    "MI": "myocardial infarction",
    "MRA": "magnetic resonance angiography",
    "MRCP": "magnetic resonance cholangiopancreatography",
    "MRI": "magnetic resonance imaging",
    "MRSA": "methicillin-resistant Staphylococcus aureus",
    "MSI": "microsatellite instability",
    "NHL": "non-Hodgkin lymphoma",
    "NSAID": "non-steroidal anti-inflammatory drug",
    "NSCLC": "non-small-cell lung cancer",
    "OCT": "optical coherence tomography",
    "PAP": "Papanicolaou test",
    "PCI": "percutaneous coronary intervention",
    "PCR": "polymerase chain reaction",
    "PE": "pulmonary embolism",
    "PET": "positron emission tomography",
    "PFT": "pulmonary function test",
    "PICC": "peripherally inserted central catheter",
    "PSA": "prostate-specific antigen",
    "PT": "prothrombin time",
    "PTH": "parathyroid hormone",
    "PTSD": "post-traumatic stress disorder",
    "RA": "rheumatoid arthritis",
    "RBC": "red blood cells",
    "RCC": "renal cell carcinoma",
    "RECIST": "response evaluation criteria in solid tumours",
    "RNA": "ribonucleic acid",
    "SCLC": "small-cell lung cancer",
    "SLE": "systemic lupus erythematosus",
    "SPECT": "single-photon emission computed tomography",
    "SSRI": "selective serotonin reuptake inhibitor",
    "STEMI": "ST-elevation myocardial infarction",
    "SUV": "standardised uptake value",
    "TAVI": "transcatheter aortic valve implantation",
    "TIA": "transient ischaemic attack",
    "TNM": "tumour, nodes, metastases",
    "TSH": "thyroid-stimulating hormone",
    "TURP": "resection of the prostate",
    "UTI": "urinary tract infection",
    "VF": "ventricular fibrillation",
    "VSD": "ventricular septal defect",
    "VT": "ventricular tachycardia",
    "WBC": "white blood cells",
    "WHO": "World Health Organization",
}
"""Abbreviation and what it stands for. Letters that are as often a name or a word (ED, MS, OP,
PR) are left out.
"""

TERM_WITH_DIGITS_PATTERNS = (
    r"HER-?2",
    r"CA-?\s?(?:125|19-9|15-3|72-4)",
    r"CD-?\d{1,3}",
    r"BRCA[12]",
    r"IL-?\d{1,2}",
    r"PD-L?1",
    r"CDK[46]",
    r"CYP\d[A-Z]\d{1,2}",
    r"FEV1",
    r"SpO2",
    r"PaO2",
    r"HbA1c",
    r"Ki-?67",
    r"IDH[12]",
    r"JAK2",
    r"MLH1",
    r"MSH[26]",
    r"PMS2",
    r"P53",
    r"TP53",
    r"KRAS",
    r"NRAS",
    r"BRAF",
    r"B12",
    r"T[34]\b(?= (?:level|hormone))",
    r"FT[34]",
    r"p?T(?:is|[0-4][a-d]?)",
    r"p?N[0-3][a-c]?",
    r"p?M[01][a-c]?",
    r"(?:C[1-7]|T(?:[1-9]|1[0-2])|L[1-5]|S[1-5])(?:[-/](?:[CTLS]?\d{1,2}))?",
)
"""Shapes of short terms with digits in them: markers, genes, stages of tumours, vertebrae."""
