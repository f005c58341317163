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
        description="Local login, for the demo: `name:Practitioner/id`; unset: nobody can sign "
        "locally.",
    )
    review_local_password: SecretStr | None = Field(
        None, description="Password of the local login."
    )
    review_session_key: SecretStr | None = Field(
        None,
        description="Key that signs session cookies; default: a random one per start (everyone "
        "logs in again).",
    )
    review_roles: str = Field(
        "{}",
        description='JSON: role -> report categories it may sign, `{"radiologist": ["RAD"]}`; '
        "empty: every Practitioner signs everything.",
    )
