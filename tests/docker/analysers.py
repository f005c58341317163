"""Writes the analysers' part of docker-compose.yml from what they declare.

`python -m tests.docker.analysers`. A package of a hospital's own keeps its services out of this
file: it brings a compose file beside it.
"""

import argparse
import re
import tomllib
from typing import Final

from services import catalogue
from shared import VERSION
from shared.service import Service
from tests.docker.compose import FILE, ROOT

BEGIN: Final = "  # --- analysers, made by `python -m tests.docker.analysers`\n"
END: Final = "  # --- end of the analysers\n"
VOLUMES: Final = "volumes:\n"
FIXED_VOLUMES: Final = ("kafka", "database", "pacs", "intake")


def own_analysers() -> list[Service]:
    """The analysers that this repository's pyproject.toml registers."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [catalogue.analyser(name) for name in read["project"]["entry-points"][catalogue.GROUP]]


OURS: Final = ("intake", *(service.name for service in own_analysers()), "review")
"""What `careloop run` of this repository can start, whatever else is installed here."""


def block(service: Service) -> str:
    """The service's entry; one that reads films starts after the PACS and knows its address."""
    films = "ImagingStudy" in service.reads
    lines = [
        f"{service.name}:",
        "  <<: *careloop",
        f"  image: careloop-{service.name}:{VERSION}",
        f"  build: {{context: ., args: {{SERVICE: {service.name}}}}}",
        *(
            ["  environment:", "    <<: [*environment, *pacs]"]
            if films
            else ["  environment: *environment"]
        ),
        f'  volumes: ["{service.name}:/var/lib/careloop"]',
    ]
    if films:
        lines += [
            "  depends_on:",
            "    <<: *after-topics",
            "    pacs: {condition: service_healthy}",
        ]
    return "".join(f"  {line}\n" for line in lines)


def rendered(text: str, services: list[Service]) -> str:
    """The file's text with these services in it."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    blocks = "\n".join(block(service) for service in services)
    names = [*FIXED_VOLUMES, *(service.name for service in services), "review"]
    volumes = VOLUMES + "".join(f"  {name}:\n" for name in names)

    made = f"{before}{BEGIN}{blocks}{END}{after}"
    return re.sub(rf"^{VOLUMES}(  \w+:\n)+", volumes, made, flags=re.MULTILINE)


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tests.docker.analysers", description=__doc__
    ).parse_args()
    FILE.write_text(rendered(FILE.read_text(encoding="utf-8"), own_analysers()), encoding="utf-8")
