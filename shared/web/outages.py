"""Outages in the log: one line when a dependency goes away, one at its return.

Whoever asks again and again says so each time, and marks what it says::

    log.warning("%s; asking until it answers", error, extra={"away": "ehr", "cause": "401"})
    log.warning("the EHR answers again", extra={"back": "ehr"})

The filter passes the first of each cause in an outage, and a warning also after the same at INFO.
kafka-python marks nothing and logs ten errors a second
while a broker is away: what it says of connections is read here by its texts (of 3.0).
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

BROKER: Final = "broker"
SETTLE_SEC: Final = 10.0
"""For so long after an outage a late complaint about it opens no other one."""
FORGOTTEN_SEC: Final = 900.0
"""Without a complaint for so long an outage is over, although nobody said so."""
LISTENED: Final = ("kafka.net.manager", "kafka.net.connection")
"""Loggers that tell the addresses and the connections, at INFO."""
ABOUT_CONNECTIONS: Final = ("KafkaConnectionError", "NodeNotReadyError")
CONNECTION_TEXTS: Final = (
    "No node available",
    "Bootstrap ",
    "%s: socket disconnected",
    "%s: Error receiving network data",
    "%s: Error sending request data",
)
CONSEQUENCES: Final = (
    "KafkaTimeoutError",
    "CoordinatorNotAvailableError",
    "NotCoordinatorError",
    "UnknownMemberIdError",
)
"""Real errors while the brokers answer; in an outage they tell nothing new."""
CONSEQUENCE_TEXTS: Final = (
    "Heartbeat session expired",
    "Heartbeat: local member_id was not recognized",
    "Marking the coordinator dead",
    "Task ",  # of its event loop, after a stall
)


class Outages(logging.Filter):
    """A filter of one handler: what is away at the moment, by what name.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[str, float] = {}
        self._told: dict[str, dict[str, int]] = {}
        self._complained: dict[str, float] = {}
        self._over: dict[str, float] = {}
        self._addresses: dict[object, str] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide on a record; reword the first and the last line of an outage."""
        with self._lock:
            if record.name.startswith("kafka."):
                passes = self._of_kafka(record)
            elif away := getattr(record, "away", None):
                cause = getattr(record, "cause", "")
                passes = self._begins(away, cause=cause, level=record.levelno)
            elif back := getattr(record, "back", None):
                passes = self._ends(back, record)
            else:
                return True
        return passes or _as_debug(record)

    # --- one outage

    def _begins(
        self, name: str, *related: str, cause: str = "", level: int = logging.WARNING
    ) -> bool:
        """Note a complaint; tell whether it is the first of its cause in its outage.

        Args:
            related: beside the name: an open or just ended outage whose name begins so is the
                same one.
        """
        now = self._clock()
        for known, at in list(self._complained.items()):
            if now - at > FORGOTTEN_SEC:
                self._since.pop(known, None)
                del self._complained[known]
        self._complained[name] = now

        starts = (name, *related)
        open_ones = any(known.startswith(starts) for known in self._since)
        fresh = any(
            known.startswith(starts) and now - at < SETTLE_SEC for known, at in self._over.items()
        )
        if name in self._since:
            return self._is_untold(name, cause, level)
        if open_ones or fresh:
            return False
        self._since[name] = now
        self._told[name] = {cause: level}
        return True

    def _is_untold(self, name: str, cause: str, level: int) -> bool:
        """Note a cause; tell whether nothing as serious was said of it in this outage."""
        told = self._told[name]
        if told.get(cause, logging.NOTSET) >= level:
            return False
        told[cause] = level
        return True

    def _ends(self, name: str, record: logging.LogRecord) -> bool:
        began = self._since.pop(name, None)
        if began is None:
            return False
        self._over[name] = self._clock()
        record.msg = f"{record.getMessage()}, after {self._clock() - began:.0f} s"
        record.args = ()
        return True

    # --- kafka-python

    def _of_kafka(self, record: logging.LogRecord) -> bool:
        text, arguments = str(record.msg), record.args if isinstance(record.args, tuple) else ()
        if text.startswith(("Initializing connection for", "Attempting bootstrap to")):
            self._addresses[arguments[0]] = f"{arguments[1]}:{arguments[2]}"
            return False
        node = getattr(arguments[0], "node_id", None) if arguments else None
        if text == "%s: Connected":
            return self._connected(node, record)
        if record.levelno < logging.WARNING:
            return False
        errors = _errors_in(record)
        if text == "%s: Connection lost: %s" and errors & {*ABOUT_CONNECTIONS, "OSError"}:
            return self._disconnected(node, record)
        if errors & {*ABOUT_CONNECTIONS, "OSError"} or text.startswith(CONNECTION_TEXTS):
            return False
        consequence = errors & {*CONSEQUENCES} or text.startswith(CONSEQUENCE_TEXTS)
        return not (consequence and self._in_outage())

    def _disconnected(self, node: object, record: logging.LogRecord) -> bool:
        name = f"{BROKER} at {self._address(node)}"
        # a name to start from is one of those brokers, which are told by their own names
        related = (BROKER,) if str(node).startswith("bootstrap") else ()
        if BROKER in self._since or not self._begins(name, *related):
            return False
        why = record.args[1] if isinstance(record.args, tuple) else ""
        record.msg, record.args = f"the {name} does not answer ({why}); asking until it does", ()
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True

    def _connected(self, node: object, record: logging.LogRecord) -> bool:
        name = f"{BROKER} at {self._address(node)}"
        if name not in self._since:
            return False
        record.msg, record.args = f"the {name} answers again", ()
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return self._ends(name, record)

    def _address(self, node: object) -> str:
        plain = str(node).removeprefix("coordinator-")
        number = int(plain) if plain.isdigit() else plain
        return self._addresses.get(node) or self._addresses.get(number) or "an unknown address"

    def _in_outage(self) -> bool:
        now = self._clock()
        ended = any(n.startswith(BROKER) and now - at < SETTLE_SEC for n, at in self._over.items())
        return ended or any(name.startswith(BROKER) for name in self._since)


def listen_to_kafka() -> None:
    """Let records of addresses and connections through; the filter keeps them."""
    for name in LISTENED:
        logging.getLogger(name).setLevel(logging.INFO)


def _errors_in(record: logging.LogRecord) -> set[str]:
    """Name the classes of the errors that a record carries."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    found = [a for a in arguments if isinstance(a, BaseException)]
    if record.exc_info and record.exc_info[1]:
        found.append(record.exc_info[1])
    return {base.__name__ for error in found for base in type(error).__mro__}


def _as_debug(record: logging.LogRecord) -> bool:
    """Let a record pass as one of DEBUG, where that is asked for."""
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger().isEnabledFor(logging.DEBUG)
