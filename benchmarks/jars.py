"""Java parts of the benchmarks and the tests.

Resolved from Maven by jgo in pure Python and kept in `.cache/jars`.
"""

from pathlib import Path
from typing import Final

import jgo

CACHE: Final = Path(__file__).parents[1] / ".cache" / "jars"
# slf4j-simple, not log4j: with log4j in one build jgo mixes in an older kafka-clients and the
# broker dies with NoSuchMethodError
KAFKA: Final = "org.apache.kafka:kafka_2.13:4.4.0+org.slf4j:slf4j-simple:1.7.36"


def jars(endpoint: str) -> list[Path]:
    """The class path of a Maven endpoint.

    Fetched once (15 to 40 s), then read from the cache.
    """
    return [Path(jar) for jar in jgo.build(endpoint, cache_dir=CACHE).all_jars]
