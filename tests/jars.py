"""Java parts of the tests: HL7's validator, and Apache Kafka as the benchmarks start it
(`benchmarks/jars.py`).

`python -m tests.jars` fetches all of them beforehand: `make test` does, so that no test waits for a
download.
"""

import argparse
import sys
from typing import Final

from benchmarks.jars import CACHE, KAFKA, jars

__all__ = ["CACHE", "KAFKA", "VALIDATOR", "jars"]

HAPI: Final = "8.8.0"
VALIDATOR: Final = "+".join(
    [
        f"ca.uhn.hapi.fhir:hapi-fhir-{jar}:{HAPI}"
        for jar in ("validation", "structures-r4", "validation-resources-r4", "caching-caffeine")
    ]
    + ["org.slf4j:slf4j-nop:2.0.16"]
)


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m tests.jars",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    for endpoint in (VALIDATOR, KAFKA):
        print(f"{len(jars(endpoint))} jars for {endpoint.split('+')[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
