"""Words of the help texts that follow from the services that are installed."""

from typing import Final

from services import catalogue

SEVERAL: Final = "SERVICE..."
RUN_ALL: Final = f"careloop run {' '.join(catalogue.service_names())}"
SERVICES: Final = ", ".join(catalogue.service_names()[:-1]) + f" or {catalogue.service_names()[-1]}"
