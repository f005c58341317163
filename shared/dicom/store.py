"""The store of pixels: a PACS over DICOMweb, or a folder (`shared.dicom.folder`).

(PS3.18: WADO-RS, STOW-RS, QIDO-RS.) An address may come from the record (an Endpoint), so from
somebody else: only the origins of the settings are spoken to, never through a redirect, and the
PACS's credentials go to its own origin alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import pydicom
import requests
from dicomweb_client.web import DICOMwebClient

from shared.dicom.folder import FolderPacs
from shared.dicom.parse import (
    MALFORMED,
    MAX_FILE_BYTES,
    check_elements,
    check_identity,
    check_uid,
    is_deflated,
)
from shared.ehr.attachments import origin_of
from shared.errors import InvalidInput, Misconfigured, NotAnalysed, NotYet, Unavailable
from shared.settings import Settings

Answer = TypeVar("Answer")
ORIGINAL: Final = (("application/dicom", "*"),)
"""As stored: asking for uncompressed pixels makes some servers fail."""
NOT_ALLOWED: Final = "The Endpoint's address names an origin that is not allowed."
CHUNK: Final = 2**20


class Pacs(Protocol):
    """A store of DICOM instances; the methods' contracts are at `FolderPacs`."""

    def describe(self) -> str: ...
    def list_series(self, study: str) -> list[tuple[str, str]]: ...
    def retrieve_series(self, study: str, series: str) -> list[pydicom.Dataset]: ...
    def store(self, datasets: Sequence[pydicom.Dataset]) -> None: ...


def open_pacs(settings: Settings, address: str | None = None) -> Pacs:
    """Open the PACS of the settings, or the one at an Endpoint's address.

    Without a URL in the settings it is the folder `pacs` in the state folder.

    Raises:
        NotAnalysed: the address is not of an allowed origin.
        Misconfigured: the setting is no http(s) URL.
    """
    own = settings.dicomweb_url
    if own and not origin_of(own):
        raise Misconfigured("CARELOOP_DICOMWEB_URL: an http or https URL is needed")
    if address is None or (own and address.rstrip("/") == own.rstrip("/")):
        return _dicomweb(settings, own) if own else FolderPacs(settings.state_dir / "pacs")
    if origin_of(address) not in allowed_origins(settings):
        raise NotAnalysed(NOT_ALLOWED)
    return _dicomweb(settings, address)


def allowed_origins(settings: Settings) -> frozenset[str]:
    """List the permitted origins of an Endpoint: of the PACS, the EHR and the setting."""
    named = [
        settings.dicomweb_url or "",
        settings.fhir_url,
        *settings.dicomweb_allowed_origins.split(","),
    ]
    return frozenset(origin for url in named if (origin := origin_of(url.strip())))


def _dicomweb(settings: Settings, url: str) -> "DicomWeb":
    session = requests.Session()
    # No proxy or .netrc that nobody configured here.
    session.trust_env = False
    session.max_redirects = 0
    if settings.fhir_ca_file:
        session.verify = str(settings.fhir_ca_file)

    own = settings.dicomweb_url and origin_of(url) == origin_of(settings.dicomweb_url)
    if settings.dicomweb_username and own:
        password = settings.dicomweb_password
        session.auth = (
            settings.dicomweb_username,
            password.get_secret_value() if password else "",
        )

    client = DICOMwebClient(
        url.rstrip("/"),
        session=session,
        callback=_bounded,
        timeout=(5.0, settings.fhir_timeout_sec),
    )
    # The runtime retries, and lets other lanes go on meanwhile.
    client.set_http_retry_params(retry=False)
    return DicomWeb(client, session)


def _bounded(response: requests.Response, *_: Any, **__: Any) -> requests.Response:
    """Read the body up to a limit, and refuse deflated data.

    dicomweb-client would read it without a limit, and inflate it while it parses.
    """
    body = bytearray()
    for chunk in response.iter_content(CHUNK):
        body += chunk
        if len(body) > MAX_FILE_BYTES:
            raise InvalidInput(f"The PACS answered with more than {MAX_FILE_BYTES} bytes.")

    start = body.find(b"DICM")
    while start >= 0:
        if is_deflated(bytes(body[max(0, start - 128) : start + 8192])):
            raise InvalidInput(
                "TransferSyntaxUID is Deflated Explicit VR Little Endian, which is not read"
            )
        start = body.find(b"DICM", start + 4)

    # Here requests keeps a body that was read.
    response._content = bytes(body)
    return response


@dataclass(frozen=True)
class DicomWeb:
    """A DICOMweb server.

    Nothing is retried here. Raises Unavailable("pacs") while it does not answer.
    """

    client: DICOMwebClient
    session: requests.Session

    def describe(self) -> str:
        """Describe the server for `careloop doctor`: ask for one study."""
        self._ask(lambda: self.client.search_for_studies(limit=1))
        return f"DICOMweb at {self.client.base_url}"

    def list_series(self, study: str) -> list[tuple[str, str]]:
        """See `FolderPacs.list_series`."""
        uid = check_uid(study, "Study Instance UID")
        found = [
            pydicom.Dataset.from_json(item)
            for item in self._ask(lambda: self.client.search_for_series(uid))
        ]
        if not found:
            raise NotYet("the study is not in the PACS")
        return sorted(
            (
                check_uid(item.get("SeriesInstanceUID"), "SeriesInstanceUID"),
                str(item.get("Modality", "")),
            )
            for item in found
        )

    def retrieve_series(self, study: str, series: str) -> list[pydicom.Dataset]:
        """See `FolderPacs.retrieve_series`."""
        uids = check_uid(study, "Study Instance UID"), check_uid(series, "Series Instance UID")
        found = self._ask(lambda: self.client.retrieve_series(*uids, media_types=ORIGINAL))
        if not found:
            raise NotYet("the series has no instance yet")
        for dataset in found:
            check_elements(dataset)
        return sorted(found, key=lambda dataset: check_identity(dataset)[2])

    def store(self, datasets: Sequence[pydicom.Dataset]) -> None:
        """Store instances with STOW-RS; see `FolderPacs.store`.

        Raises:
            InvalidInput: a UID is malformed, or the PACS refused an instance.
        """
        for dataset in datasets:
            check_identity(dataset)
        if datasets:
            answer = self._ask(lambda: self.client.store_instances(list(datasets)))
            if failed := answer.get("FailedSOPSequence"):
                raise InvalidInput(f"The PACS refused {len(failed)} of {len(datasets)} instances.")

    def _ask(self, request: Callable[[], Answer]) -> Answer:
        """Ask, and class the errors by the runtime's next action."""
        try:
            return request()
        except requests.HTTPError as error:
            raise _refusal(error.response) from None
        except requests.TooManyRedirects:
            raise InvalidInput("The PACS redirects elsewhere, which is not followed.") from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            raise InvalidInput("The Endpoint's address is malformed.") from None
        except requests.RequestException as error:
            raise Unavailable("pacs", type(error).__name__) from None
        except MALFORMED as error:
            raise InvalidInput(
                f"The PACS's answer is not DICOM ({type(error).__name__})."
            ) from None
        finally:
            # A connection kept for the next study would be stale by then.
            self.session.close()


def _refusal(response: requests.Response | None) -> Exception:
    if response is None:
        return Unavailable("pacs")
    status = response.status_code
    if status in (404, 410):
        return NotYet("the PACS does not have it")
    if status in (401, 403, 408, 429) or status >= 500:
        wait = response.headers.get("Retry-After", "")
        asked = float(wait) if wait.isdigit() else None
        cause = str(status) if status in (401, 403) else ""
        return Unavailable("pacs", f"status {status}", asked, cause=cause)
    return InvalidInput(f"The PACS answered {status}.")
