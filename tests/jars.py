"""Java parts of the tests (HL7's validator, Apache Kafka), resolved from Maven by jgo in pure Python and kept in `.cache/jars`.

`python -m tests.jars` fetches all of them beforehand: `make test` does, so that no test waits for a download.
"""

import sys
from pathlib import Path
from typing import Final

import jgo

CACHE: Final = Path(__file__).parents[1] / ".cache" / "jars"
HAPI: Final = "8.8.0"
VALIDATOR: Final = "+".join(
    [f"ca.uhn.hapi.fhir:hapi-fhir-{jar}:{HAPI}" for jar in ("validation", "structures-r4", "validation-resources-r4", "caching-caffeine")]
    + ["org.slf4j:slf4j-nop:2.0.16"]
)
# slf4j-simple, not log4j: with log4j in one build jgo mixes in an older kafka-clients and the broker dies with NoSuchMethodError
KAFKA: Final = "org.apache.kafka:kafka_2.13:4.4.0+org.slf4j:slf4j-simple:1.7.36"


def jars(endpoint: str) -> list[Path]:
    """The class path of a Maven endpoint; fetched once (15 to 40 s), then read from the cache."""
    return [Path(jar) for jar in jgo.build(endpoint, cache_dir=CACHE).all_jars]


def main() -> int:
    for endpoint in (VALIDATOR, KAFKA):
        print(f"{len(jars(endpoint))} jars for {endpoint.split('+')[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
