"""Settings: the only reader of the environment.

Every variable is `CARELOOP_` + the field's name in capitals. The table of docs/settings.md is
printed from this class by `careloop settings --markdown`; a test compares the two.
"""

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.functional_validators import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import Misconfigured
from shared.instants import instant, known_zone, parse
from shared.review_settings import ReviewSettings

# where credentials go instead: an address is logged, printed and sent along in every record
ELSEWHERE: Final = {
    "fhir_url": "set CARELOOP_FHIR_CLIENT_ID and CARELOOP_FHIR_PRIVATE_KEY_FILE, or let a proxy "
    "before the EHR add them",
    "fhir_token_url": "set CARELOOP_FHIR_CLIENT_ID and CARELOOP_FHIR_PRIVATE_KEY_FILE",
    "kafka_bootstrap_servers": "set CARELOOP_KAFKA_SASL_USERNAME and CARELOOP_KAFKA_SASL_PASSWORD",
    "intake_webhook_url": "set CARELOOP_INTAKE_WEBHOOK_SECRET",
    "dicomweb_url": "set CARELOOP_DICOMWEB_USERNAME and CARELOOP_DICOMWEB_PASSWORD",
    "dicomweb_allowed_origins": "origins that an Endpoint names are spoken to without any",
    "review_url": "people log in on its pages",
    "review_oidc_issuer": "set CARELOOP_REVIEW_OIDC_CLIENT_ID and "
    "CARELOOP_REVIEW_OIDC_CLIENT_SECRET",
}


class ServiceSettings(BaseSettings):
    """What is set for the services, the EHR and the event log. Units are in the names."""

    # --- state
    state_dir: Path = Field(
        Path(".careloop"),
        description="Folder of the SQLite event log, intake's cursor, the folder PACS and the "
        "audit log. A local disk, not a network one.",
    )
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        "UTC", description="The hospital's time zone (IANA, `Europe/Berlin`): of pages and of ages."
    )

    # --- EHR
    fhir_url: str = Field(
        "http://127.0.0.1:8410/fhir", description="Base URL of the EHR's FHIR R4 API."
    )
    fhir_aliases: str = Field("", description="Comma-separated other base URLs of the same EHR.")
    fhir_client_id: str | None = Field(
        None,
        description="SMART Backend Services client id; unset: the EHR is open or sits behind a "
        "proxy that authenticates.",
    )
    fhir_private_key_file: Path | None = Field(
        None, description="PEM or JWK private key of that client (RSA: RS384, EC P-384: ES384)."
    )
    fhir_key_id: str | None = Field(
        None, description="`kid` of the key; default: its RFC 7638 thumbprint."
    )
    fhir_token_url: str | None = Field(
        None,
        description="Token endpoint; default: discovered at `.well-known/smart-configuration`.",
    )
    fhir_scopes: str | None = Field(
        None, description="Scopes to ask for; default: what `careloop scopes SERVICE` prints."
    )
    fhir_timeout_sec: float = Field(30.0, gt=0, description="Longest wait for the EHR's answer.")
    fhir_ca_file: Path | None = Field(
        None, description="CA bundle (PEM) for the EHR and the PACS; default: the system's."
    )
    report_status: Literal["preliminary", "partial"] = Field(
        "preliminary",
        description="What an unsigned AI report is called: `preliminary`, or `partial` (R4's word "
        "for possibly unverified).",
    )
    consent_default: Literal["permit", "deny"] = Field(
        "permit",
        description="What holds for a class of resources of which no Consent of the patient "
        "speaks.",
    )

    # --- event log
    kafka_bootstrap_servers: str | None = Field(
        None,
        description="`host:port,...` of Apache Kafka; unset: the SQLite event log in the state "
        "folder.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers."
    )
    kafka_sasl_mechanism: str | None = Field(
        None, description="`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, ..."
    )
    kafka_sasl_username: str | None = Field(None, description="SASL user.")
    kafka_sasl_password: SecretStr | None = Field(None, description="SASL password.")
    kafka_ca_file: Path | None = Field(None, description="CA certificate (PEM) of the brokers.")
    kafka_cert_file: Path | None = Field(None, description="Client certificate (PEM).")
    kafka_key_file: Path | None = Field(None, description="Client key (PEM).")
    kafka_session_timeout_ms: int = Field(
        10_000, ge=1_000, description="How long a silent member keeps its partitions."
    )
    kafka_replication: int = Field(
        1, ge=1, description="Replication factor of the topics that `careloop topics` creates."
    )
    kafka_group_instance_id: str | None = Field(
        None, description="Static membership: the pod's name. A killed member is back at once."
    )
    partitions: int = Field(
        24,
        ge=1,
        le=1000,
        description="Partitions of `careloop.events`, fixed for life: they bound how many replicas "
        "of a service work at once.",
    )

    # --- runtime
    max_in_flight: int = Field(
        256,
        ge=1,
        description="Records of one partition that are read before the first of them is finished.",
    )
    max_attempts: int = Field(
        3, ge=1, description="Tries before an unexpected error becomes a dead letter."
    )
    backoff_max_sec: float = Field(60.0, gt=0, description="Longest pause between tries.")
    not_yet_max_sec: float = Field(
        900.0,
        ge=0,
        description="How long to wait for pixels or a Binary that were announced; then the input "
        "is not analysed.",
    )
    plan_quiet_sec: float = Field(
        5.0, ge=0, description="Quiet after the last event of a patient, before a plan is drawn."
    )
    dead_letter_limit: int = Field(
        20, ge=1, description="More dead letters than this within the window pause the service."
    )
    dead_letter_window_sec: float = Field(
        600.0, gt=0, description="The window of the dead-letter limit."
    )
    shutdown_sec: float = Field(
        25.0, gt=0, description="How long work in flight may take to finish after SIGTERM."
    )
    model_stall_sec: float = Field(
        300.0,
        gt=0,
        description="A model at work on one batch for longer than this makes the service unready.",
    )

    # --- HTTP
    http_host: str = Field(
        "127.0.0.1", description="Address that services listen on; `0.0.0.0` in a container."
    )
    http_port: int = Field(
        8420,
        ge=0,
        le=65535,
        description="Port of the service. Of several in one process, the next ones up; 0: any free "
        "port.",
    )
    http_max_body_bytes: int = Field(
        1_000_000,
        ge=1_000,
        description="Largest request body (notifications, /analyze, the forms of review).",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Logs are JSON lines on stderr and hold no patient data."
    )

    # --- intake
    intake_since: str | None = Field(
        None,
        description="First start only: sweep changes since this instant (`1970-01-01T00:00:00Z`: "
        "everything); default: now.",
    )
    intake_sweep_sec: float = Field(60.0, gt=0, description="Pause between sweeps.")
    intake_overlap_sec: float = Field(
        30.0, ge=0, description="How far each sweep looks back behind its cursor."
    )
    intake_subscription_check_sec: float = Field(
        30.0, gt=0, description="Pause between looks at our Subscriptions."
    )
    intake_webhook_url: str | None = Field(
        None,
        description="Where the EHR reaches intake, `https://intake.example/notify`; unset: no "
        "Subscriptions, the sweep alone.",
    )
    intake_webhook_secret: SecretStr | None = Field(
        None,
        description="The EHR sends it back in `X-Careloop-Secret`; required with the webhook's "
        "URL.",
    )

    # --- imaging
    dicomweb_url: str | None = Field(
        None,
        description="DICOMweb root of the PACS; used where an ImagingStudy names no Endpoint. "
        "Unset: the folder `pacs` in the state folder.",
    )
    dicomweb_username: str | None = Field(None, description="Basic authentication at the PACS.")
    dicomweb_password: SecretStr | None = Field(None, description="Its password.")
    dicomweb_allowed_origins: str = Field(
        "",
        description="Comma-separated origins (`https://pacs.example`) that an Endpoint or "
        "attachment URL may name, beside the EHR's and the PACS's own.",
    )
    imaging_model: str | None = Field(
        None,
        description="Folder of the chest model (safetensors, config.json, README.md); default: the "
        "one that ships.",
    )
    genomics_max_vcf_bytes: int = Field(
        100_000_000, ge=1_000, description="Largest VCF attachment, as it is stored (compressed)."
    )
    notes_model: str | None = Field(
        None,
        description="Folder or hub id of a Hugging Face token classification model; default: the "
        "one that ships.",
    )
    notes_preliminary: Literal["read", "skip"] = Field(
        "read",
        description="Notes whose `docStatus` is preliminary: `read`, or `skip` until they are "
        "final (not analysed, with the reason).",
    )
    notes_other_types: Literal["say", "ignore"] = Field(
        "say",
        description="A patient's documents of types that are not read as notes: `say` so (not "
        "analysed, with the reason), or `ignore` them.",
    )
    torch_threads: int = Field(1, ge=1, description="Threads of torch per process.")


class Settings(ReviewSettings, ServiceSettings):
    """All settings. Frozen."""

    model_config = SettingsConfigDict(
        env_prefix="CARELOOP_",
        allow_inf_nan=False,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    @field_validator(*ELSEWHERE)
    @classmethod
    def _without_credentials(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and "@" in value:
            raise ValueError(
                "no user or password may stand in an address (an @ in its path is written %40): "
                f"{ELSEWHERE[str(info.field_name)]}"
            )
        try:
            for address in (value or "").split(","):
                _ = urlsplit(address.strip()).port
        except ValueError:
            raise ValueError("a URL is needed, such as https://ehr.example/fhir") from None
        return value

    @field_validator("intake_since")
    @classmethod
    def _an_instant(cls, value: str | None) -> str | None:
        try:
            return instant(parse(value)) if value else None
        except ValueError:
            raise ValueError("not an instant with a zone, such as 2026-01-01T00:00:00Z") from None


def load_settings(**overrides: object) -> Settings:
    """The settings of this process.

    Raises:
        Misconfigured: names each variable that is wrong and why, without its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        wrong = [
            f"CARELOOP_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_input=False)
        ]
        raise Misconfigured("; ".join(wrong)) from None
