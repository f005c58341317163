"""Of when a result is, and when it was read: both stand on its page (pure)."""

from dataclasses import dataclass
from datetime import date, tzinfo

from services.review import clock
from services.review.panels.declared import is_per_patient, panel_of
from services.review.result.result import Result
from shared.fhir.times.clinical import clinical_time
from shared.fhir.times.stated import newest


@dataclass(frozen=True)
class Times:
    """When what was analysed was so, and when it was analysed.

    Attributes:
        what: `film`, `note`: what the service calls its input.
        stated: the clinical time as FHIR writes it; empty: not recorded.
        of: the same in words; ago: how long that is ago.
        read: when it was analysed, in words; empty: not known.
        now: what the record says today, where that is another day; else empty.
    """

    what: str
    stated: str
    of: str
    ago: str
    read: str
    now: str = ""


def times_of(result: Result, zone: tzinfo, today: date) -> Times | None:
    """Tell the times of a result; None where nothing was written."""
    focus = result.focus
    if focus is None:
        return None

    written, source = clinical_time(focus), source_time(result)
    stated, of_source = written or source, clock.day(source, zone)
    of = clock.day(stated, zone)
    return Times(
        what=panel_of(result.service).input,
        stated=stated or "",
        of=of,
        ago=clock.ago(stated, zone, today),
        read=clock.relative(focus.get("issued") or focus.get("created"), zone, today),
        now=of_source if not is_per_patient(result.service) and of_source not in ("", of) else "",
    )


def source_time(result: Result) -> str | None:
    """Read the clinical time of what a result was drawn from, as it stands now.

    A sample counts before the file that names it; of a plan the newest.
    """
    if is_per_patient(result.service):
        return newest(map(clinical_time, result.sources))
    samples_first = sorted(result.sources, key=lambda r: r["resourceType"] != "Specimen")
    return next(filter(None, map(clinical_time, samples_first)), None)
