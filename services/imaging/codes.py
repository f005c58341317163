"""The codes and words of the chest film analysis, each with its source.

Pure data.
"""

import re
from typing import Final

from shared.fhir import codes

MODALITIES: Final = ("CR", "DX")  # PS3.3 C.7.3.1.1.1
RADIOGRAPHY: Final = frozenset(f"{codes.DCM}|{modality}" for modality in MODALITIES)

# --- what is written
FINDING: Final = codes.concept(codes.DCM, "121071", "Finding")  # PS3.16 annex D
CERTAINTY: Final = codes.concept(
    codes.DCM, "111012", "Certainty of Finding", "Model's score for pneumonia"
)  # PS3.16 annex D, TID 4006: percent
PNEUMONIA: Final = codes.concept(codes.SNOMED, "233604007", "Pneumonia")
LUNG: Final = codes.concept(codes.SNOMED, "39607008", "Lung structure")
RADIOLOGY: Final = [
    codes.concept(codes.V2_0074, "RAD"),
    codes.concept(codes.LOINC, "LP29684-5", "Radiology"),
]
IMAGING: Final = [codes.concept(codes.OBSERVATION_CATEGORY, "imaging")]
IMAGE: Final = codes.concept(codes.MEDIA_TYPE, "image")
POSITIVE: Final = [codes.concept(codes.INTERPRETATION, "POS", "Positive")]
NEGATIVE: Final = [codes.concept(codes.INTERPRETATION, "NEG", "Negative")]
TWO_VIEWS: Final = codes.concept(codes.LOINC, "36643-5", "XR Chest 2 Views")
DIAGNOSTIC_IMAGING: Final = codes.concept(codes.LOINC, "18748-4", "Diagnostic imaging study")

# --- what is read: the chest in BodyPartExamined (PS3.16 annex L: CHEST, LUNG; THORAX is met in the
# field) and in free text
CHEST_PARTS: Final = frozenset({"CHEST", "THORAX", "LUNG", "LUNGS"})
CHEST_WORDS: Final = re.compile(r"\b(CHEST|THORAX|TORAX|LUNGS?|CXR)\b", re.IGNORECASE)
CHEST_REGIONS: Final = frozenset(
    {"51185008", "T-D3000", "816094009", "43799004", "39607008", "T-28000"}
)  # PS3.16 CID 4031, old and new codes: chest, thoracic cavity, lung

# --- views: ViewPosition (PS3.3 C.8.7.2.1.1.9 and CID 4010), the meanings of ViewCodeSequence, and
# free text
FRONTAL: Final = ("PA", "AP")
LATERAL: Final = frozenset({"LL", "RL", "LAT", "LATERAL"})
MEANINGS: Final = {
    "PA": re.compile(r"^\s*postero-?\s?anterior( projection)?\s*$", re.IGNORECASE),
    "AP": re.compile(r"^\s*antero-?\s?posterior( projection)?\s*$", re.IGNORECASE),
    "lateral": re.compile(r"lateral", re.IGNORECASE),
}
FRONTAL_ORIENTATIONS: Final = (
    ["L", "F"],
    ["R", "F"],
)  # PatientOrientation: rows run across the body, columns towards the feet
