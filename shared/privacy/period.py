"""The bounds of a FHIR Period: inclusive, a partial date to its precision (pure)."""

from calendar import monthrange
from datetime import UTC, datetime


def bounds(text: str) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a FHIR dateTime; without a zone in UTC.

    Nothing follows the year 9999, which many systems write for "without end".

    Raises:
        ValueError: it is no dateTime.
    """
    if "T" in text:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment, moment if "." in text else moment.replace(microsecond=999_999)
    parts = [*map(int, text.split("-"))]
    year, month, day = [*parts, 1, 1][:3]
    first = datetime(year, month, day, tzinfo=UTC)
    last_month = month if len(parts) > 1 else 12
    last_day = day if len(parts) > 2 else monthrange(year, last_month)[1]
    return first, datetime(year, last_month, last_day, 23, 59, 59, 999_999, tzinfo=UTC)
