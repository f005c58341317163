"""From DICOM files to a FHIR ImagingStudy (R4; DICOM PS3.3 C.7.2 and C.7.3).

`read_files` reads; the rest is pure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import pydicom

from shared.dicom.parse import check_identity, parse
from shared.errors import InvalidInput
from shared.fhir import codes
from shared.fhir.times.stated import date_time
from shared.json import Json

ZONE: Final = "TimezoneOffsetFromUTC"


def read_files(paths: Iterable[Path]) -> list[pydicom.Dataset]:
    """Read the datasets of DICOM files.

    Raises:
        InvalidInput: names the file.
    """
    found = []
    for path in paths:
        try:
            dataset = parse(path.read_bytes())
            check_identity(dataset)
        except InvalidInput as error:
            raise InvalidInput(f"{path}: {error.reason}") from None
        found.append(dataset)
    return found


def imaging_studies(datasets: Sequence[pydicom.Dataset], patient: str) -> list[Json]:
    """Build one ImagingStudy for each study among the datasets, sorted by UID.

    Args:
        datasets: instances of any studies and series.
        patient: `Patient/id`.

    Raises:
        InvalidInput: a UID or the SOP class is missing or malformed.
    """
    studies: dict[str, dict[str, dict[str, pydicom.Dataset]]] = {}
    for dataset in datasets:
        study, series, instance = check_identity(dataset)
        studies.setdefault(study, {}).setdefault(series, {})[instance] = dataset
    return [_study(uid, series, patient) for uid, series in sorted(studies.items())]


def study_uid(study: Json) -> str | None:
    """Return the bare Study Instance UID of an ImagingStudy; None without one."""
    values = (
        str(i.get("value", ""))
        for i in study.get("identifier", [])
        if i.get("system") == codes.DICOM_UID
    )
    return next((value.removeprefix("urn:oid:") for value in values if value), None)


def _study(uid: str, series: dict[str, dict[str, pydicom.Dataset]], patient: str) -> Json:
    instances = [dataset for found in series.values() for dataset in found.values()]
    first = instances[0]
    modalities = sorted({str(d.Modality) for d in instances if d.get("Modality")})
    optional = {"started": started(first), "description": str(first.get("StudyDescription") or "")}
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": codes.DICOM_UID, "value": f"urn:oid:{uid}"}],
        "status": "available",
        "modality": [codes.coding(codes.DCM, code) for code in modalities],
        "subject": codes.reference(patient),
        **{name: value for name, value in optional.items() if value},
        "numberOfSeries": len(series),
        "numberOfInstances": len(instances),
        "series": [_series(uid, found) for uid, found in sorted(series.items())],
    }


def _series(uid: str, instances: dict[str, pydicom.Dataset]) -> Json:
    first = next(iter(instances.values()))
    modalities = Counter(str(d.get("Modality") or "OT") for d in instances.values())
    modality = modalities.most_common(1)[0][0]
    optional = {
        "number": _number(first, "SeriesNumber"),
        "description": str(first.get("SeriesDescription") or "") or None,
    }
    return {
        "uid": uid,
        **{name: value for name, value in optional.items() if value is not None},
        "modality": codes.coding(codes.DCM, modality),
        "numberOfInstances": len(instances),
        "instance": [_instance(uid, dataset) for uid, dataset in sorted(instances.items())],
    }


def _instance(uid: str, dataset: pydicom.Dataset) -> Json:
    if not dataset.get("SOPClassUID"):
        raise InvalidInput("SOPClassUID is missing")
    number = _number(dataset, "InstanceNumber")
    found: Json = {
        "uid": uid,
        "sopClass": codes.coding("urn:ietf:rfc:3986", f"urn:oid:{dataset.SOPClassUID}"),
    }
    return found if number is None else found | {"number": number}


def _number(dataset: pydicom.Dataset, name: str) -> int | None:
    try:
        number = int(str(dataset.get(name)))
    except ValueError:
        return None
    return number if 0 <= number < 2**31 else None


def started(dataset: pydicom.Dataset) -> str | None:
    """Return when the study of an instance began, as a FHIR dateTime.

    Its date and time are those of the study; where it has none, of the series, else of the
    acquisition. A date that can't be read stands for no other. Without TimezoneOffsetFromUTC it is
    the date alone, because R4 wants a zone with a time.
    """
    stated = (name for name in ("Study", "Series", "Acquisition") if dataset.get(f"{name}Date"))
    first = next(stated, None)
    return _moment(dataset, first) if first else None


def _moment(dataset: pydicom.Dataset, name: str) -> str | None:
    date, time, zone = (str(dataset.get(tag) or "") for tag in (f"{name}Date", f"{name}Time", ZONE))
    try:
        day = datetime.strptime(date, "%Y%m%d").date()
    except ValueError:
        return None
    clock = re.match(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)", time)
    offset = re.fullmatch(r"([+-])(\d\d)(\d\d)", zone)
    if not clock or not offset:
        return day.isoformat()
    moment = f"{day.isoformat()}T{':'.join(clock.groups())}{offset[1]}{offset[2]}:{offset[3]}"
    return date_time(moment)
