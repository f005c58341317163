"""Apache Kafka behind TLS and a password: SASL_SSL, by settings alone."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from services.clinic.ports import free_port
from shared.errors import Unavailable
from shared.settings import Settings
from shared.stream.kafka import KafkaLog
from tests.broker import Broker, Secured
from tests.contract.conftest import SESSION_MS
from tests.contract.following import numbered, numbers, send, take

pytestmark = pytest.mark.kafka
PASSWORD = "correct-horse"  # of a broker that lives for one test


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    """A self-signed certificate of 127.0.0.1, PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker of a test")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
    )
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(
        now + timedelta(days=1)
    )
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
        critical=False,
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings that fit a running broker."""
    folder = tmp_path_factory.mktemp("secured")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate(key)
    (folder / "broker.pem").write_bytes(private + public)
    (folder / "ca.pem").write_bytes(public)
    listener = Secured(free_port(), folder / "broker.pem", PASSWORD)
    broker = Broker(folder / "kafka", secured=listener)
    broker.start()
    yield Settings(
        kafka_bootstrap_servers=f"127.0.0.1:{listener.port}",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_sasl_username="careloop",
        kafka_sasl_password=PASSWORD,
        kafka_ca_file=folder / "ca.pem",
        kafka_session_timeout_ms=SESSION_MS,
    )
    broker.kill()


def test_the_log_works_behind_tls_and_a_password(secured: Settings) -> None:
    log = KafkaLog(secured)
    log.create({"t": 3})
    send(log, "t", numbered(10))
    source = log.source("t", "g")
    assert sorted(numbers(take(source, 10))) == list(range(10))
    source.close()


def test_a_wrong_password_gets_nowhere_and_is_not_told(secured: Settings) -> None:
    """The broker closes the connection and kafka-python tries again: it can't be told from a broker
    that is down.
    """
    with pytest.raises(Unavailable, match="Unable to bootstrap") as refused:
        KafkaLog(
            secured.model_copy(update={"kafka_sasl_password": SecretStr("wrong-horse")})
        ).missing_topics([])
    assert "horse" not in str(refused.value)


def test_a_broker_with_a_foreign_certificate_is_not_trusted(
    secured: Settings, tmp_path: Path
) -> None:
    stranger = certificate(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    (tmp_path / "stranger.pem").write_bytes(stranger)
    with pytest.raises(Unavailable):
        KafkaLog(
            secured.model_copy(update={"kafka_ca_file": tmp_path / "stranger.pem"})
        ).missing_topics([])
