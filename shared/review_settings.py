"""Settings of the review pages, a part of `shared.settings.Settings`."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class ReviewSettings(BaseSettings):
    """Who may enter, read and sign, and for how long."""

    review_url: str | None = Field(
        None, description="Where people reach the review pages (for links); default: host and port."
    )
    review_oidc_issuer: str | None = Field(
        None, description="OpenID Connect issuer; unset: the local login below."
    )
    review_oidc_client_id: str | None = Field(None, description="Client id at the issuer.")
    review_oidc_client_secret: SecretStr | None = Field(
        None, description="Client secret at the issuer."
    )
    review_local_user: str | None = Field(
        None,
        description="Local login, for the demo: `name:Practitioner/id`, or with roles "
        "`name:Practitioner/id:role,role`; unset: there is none.",
    )
    review_local_password: SecretStr | None = Field(
        None, description="Password of the local login."
    )
    review_session_key: SecretStr | None = Field(
        None,
        description="Key under which the sessions in the state folder are kept; another key ends "
        "all of them. Copies of review that share the folder share it.",
    )
    review_idle_sec: float = Field(
        900.0, gt=0, description="A session in which nobody did anything for so long ends."
    )
    review_session_sec: float = Field(
        28_800.0, gt=0, description="Longest session: a shift. Then everyone logs in again."
    )
    review_roles: str = Field(
        "{}",
        description='JSON: role -> report categories it may read and sign, `{"radiologist": '
        '["RAD"]}`; `CarePlan` stands for plans, `*` for all; a role that stands neither here nor '
        "in `CARELOOP_REVIEW_READERS` does not enter. Empty: every Practitioner reads and signs "
        "everything.",
    )
    review_readers: str = Field(
        "{}",
        description='JSON: role -> report categories that it may read beside those, `{"nurse": '
        '["*"]}`.',
    )
    review_emergency_sec: float = Field(
        1_800.0,
        ge=0,
        description="How long an emergency access (one patient, with a reason) lasts; 0: there is "
        "none.",
    )
    review_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies stand before the pages and name the client in "
        "`X-Forwarded-For`: the audit trail names that address.",
    )
    review_acknowledge: str = Field(
        '{"stat": 15, "asap": 60, "urgent": 240}',
        description="JSON: minutes within which somebody must acknowledge a result, by its "
        "`Task.priority` (stat, asap, urgent). The defaults are careloop's own: set what your "
        "hospital's policy for critical results says. A class may have no time.",
    )
    review_film_first: str = Field(
        "",
        description="Roles, comma-separated, that see a film before the AI's answer; `*`: "
        "everybody.",
    )
    review_orders_read_only: bool = Field(
        False,
        description="Orders can't be changed through the EHR's API: where a signed plan replaces a "
        "drug, a Task asks the prescriber to stop the old orders.",
    )
