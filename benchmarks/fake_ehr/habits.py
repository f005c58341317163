"""How servers differ within the standard, one field per habit.

As probed on sekmet 0.1.1 and HAPI FHIR 8.8 (docs/ehr.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

UNINDEXED: Final = frozenset(
    {"Composition", "RiskAssessment", "DetectedIssue", "RequestGroup", "Goal"}
)
SEKMET_TOPIC: Final = "http://sekmet.dev/fhir/SubscriptionTopic/patient-change"


@dataclass(frozen=True)
class Habits:
    """What this server does where others do something else.

    Attributes:
        name: for test ids.
        ids: the shape of the ids that it gives.
        advertised_base: the base that it writes into links, locations and fullUrls; None: relative
            locations.
        bare_etags: `1` instead of `W/"1"` in the entries of a transaction's response.
        stale_if_match: the status of an update under an old version.
        identical_put_is_new_version: an update that changes nothing makes a new version.
        unindexed: types without `identifier`, `patient` and `subject` search parameters.
        refuses_unknown_parameters: 400; otherwise they are ignored, and an outcome entry says so.
        unlisted_types_work: types beyond the CapabilityStatement are accepted all the same.
        finds_absolute_references: a search by an absolute reference finds what is stored with a
            relative one.
        checks_references: a reference to nothing, or to what was deleted, is 400.
        checks_codes: an invalid required code is 400, a reference to the wrong type 422.
        validates: missing and mistyped elements are 400 (by `fhir.resources`).
        search_cache_sec: the same search is answered from a cache for so long, unless `no-cache` is
            asked for.
        keeps_source: `meta.source` survives.
        accumulates_tags: tags of earlier versions stay.
        strips_reference_versions: `Type/1/_history/2` becomes `Type/1`.
        one_create_per_token: two POSTs with the same ifNoneExist in one transaction make one
            resource and one response entry.
        atomic_conditional_create: two conditional creates at once, outside a transaction, make one
            resource.
        smart_configuration: `.well-known/smart-configuration` is served.
        topics: Backport topics that the CapabilityStatement lists -> the types that trigger them.
        handshakes: a Backport Subscription becomes active by a handshake; otherwise at once, and
            never notifies.
        needs_backport_profile: a topic Subscription without the Backport profile or without filter
            criteria is 422.
        delivery_waits_sec: pauses after each failed delivery; after the last one the Subscription
            is in `error`.
        retries_for_ever: a failed delivery is tried again after the last pause, too.
        coalesces_empty: notifications without payload that wait together are sent as one,
            form-urlencoded.
        history_forgets_since: the next links of a history lose `_since`.
        dates_deletes: a delete in a history says when it happened.
        page_state: the next links of a search name a stored result (`_getpages`) instead of an
            offset.
        creates_under_if_match: an update under If-Match of what is not there creates it.
        ignores_if_match: an update is made whatever version it names.
        honours_if_none_match: an update under `If-None-Match: *` never replaces anything.
        batches: several requests may be posted as one batch.
        batches_backwards: a batch's entries are worked on from the last to the first.
        keeps_versions: a resource shows its `meta.versionId`, an answer its ETag.
        index_late_sec: a search finds a write so much later.
        runs_transactions_as_batches: each entry of a transaction succeeds or fails for itself, and
            the answer is 200.
        implementation_url: `CapabilityStatement.implementation.url`; None: the statement has none.
        self_base: the base in the self links of its Bundles; None: they have no self link.
        reference_base: the base that it writes before every relative reference that it shows; None:
            they stay relative.
        refuses_external_references: a reference to another server is 400.
        refuses: what is 400 where versions are asked for: `_since`, `_count`, `_sort`, `ge` (the
            prefix of a time); `_history`: there is no type history (405).
        heeds_last_updated: otherwise a search tells everything, however old.
        subscription_headers: what a read shows of the headers of a Subscription's channel.
        ignores_links: `Patient?link=` is a parameter that it does not know.
        dates_resources: a resource shows its `meta.lastUpdated`.
        answers_backwards: the entries of a batch's answer stand from the last to the first.
        orders_read_only: the status of an update of an active MedicationRequest; None: it is made.
        refuses_in_batches: the status of each entry of a batch; None: as if it were asked alone.
        finds_systems: a search for `system|` finds every identifier of the system.
    """

    name: str
    ids: Literal["uuid", "number"]
    advertised_base: str | None
    bare_etags: bool
    stale_if_match: Literal[409, 412]
    identical_put_is_new_version: bool
    unindexed: frozenset[str]
    refuses_unknown_parameters: bool
    unlisted_types_work: bool
    finds_absolute_references: bool
    checks_references: bool
    checks_codes: bool
    validates: bool
    search_cache_sec: float
    keeps_source: bool
    accumulates_tags: bool
    strips_reference_versions: bool
    one_create_per_token: bool
    atomic_conditional_create: bool
    smart_configuration: bool
    handshakes: bool
    needs_backport_profile: bool
    retries_for_ever: bool
    coalesces_empty: bool
    history_forgets_since: bool
    dates_deletes: bool
    page_state: bool
    topics: Mapping[str, frozenset[str]] = field(default_factory=dict)
    delivery_waits_sec: tuple[float, ...] = (1.0, 2.0, 4.0)
    creates_under_if_match: bool = False
    ignores_if_match: bool = False
    honours_if_none_match: bool = False
    batches: bool = True
    batches_backwards: bool = False
    keeps_versions: bool = True
    index_late_sec: float = 0.0
    runs_transactions_as_batches: bool = False
    implementation_url: str | None = None
    self_base: str | None = None
    reference_base: str | None = None
    refuses_external_references: bool = False
    subscription_headers: Literal["shown", "masked", "hidden"] = "shown"
    refuses: frozenset[str] = frozenset()
    heeds_last_updated: bool = True
    ignores_links: bool = False
    dates_resources: bool = True
    answers_backwards: bool = False
    refuses_in_batches: int | None = None
    orders_read_only: int | None = None
    finds_systems: bool = True


SEKMET: Final = Habits(
    name="sekmet",
    ids="uuid",
    advertised_base="http://fhir.example.invalid:9/fhir",
    bare_etags=False,
    stale_if_match=412,
    identical_put_is_new_version=True,
    unindexed=UNINDEXED,
    refuses_unknown_parameters=False,
    unlisted_types_work=True,
    finds_absolute_references=True,
    checks_references=False,
    checks_codes=False,
    validates=True,
    search_cache_sec=0.0,
    keeps_source=True,
    accumulates_tags=False,
    strips_reference_versions=False,
    one_create_per_token=False,
    atomic_conditional_create=False,
    smart_configuration=True,
    handshakes=True,
    needs_backport_profile=False,
    retries_for_ever=False,
    coalesces_empty=False,
    history_forgets_since=True,
    dates_deletes=True,
    page_state=False,
    topics={SEKMET_TOPIC: frozenset({"Patient"})},
)

HAPI: Final = Habits(
    name="hapi",
    ids="number",
    advertised_base=None,
    bare_etags=True,
    stale_if_match=409,
    identical_put_is_new_version=False,
    unindexed=frozenset(),
    refuses_unknown_parameters=True,
    unlisted_types_work=False,
    finds_absolute_references=False,
    checks_references=True,
    checks_codes=True,
    validates=False,
    search_cache_sec=60.0,
    keeps_source=False,
    accumulates_tags=True,
    strips_reference_versions=True,
    one_create_per_token=True,
    atomic_conditional_create=True,
    smart_configuration=False,
    handshakes=False,
    needs_backport_profile=True,
    retries_for_ever=True,
    coalesces_empty=True,
    history_forgets_since=False,
    dates_deletes=False,
    page_state=True,
    delivery_waits_sec=(0.5, 1.0, 2.0),
    creates_under_if_match=True,
    refuses_external_references=True,
)
