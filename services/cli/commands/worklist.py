"""`careloop worklist`: the index from which review lists results."""

import json
import sys
from typing import Final

import click

from services.cli.commands.demo import STATE
from services.cli.errors import Wrong
from shared.settings import load_settings

TOLD_EACH: Final = 1_000
NOTHING: Final = (
    "{path} is not there. Is CARELOOP_STATE_DIR the folder of review? Of the demo it is "
    "{demo}: CARELOOP_STATE_DIR={demo} careloop worklist status. "
    "`careloop run review` builds it, or `careloop worklist rebuild`, with the CARELOOP_FHIR_URL "
    "that the demo prints"
)


@click.group(
    epilog="Next: `status`; `rebuild` where the list is in doubt. docs/operations.md says when."
)
def worklist() -> None:
    """The index of review's worklist: look at it, build it anew."""


@worklist.command(
    "rebuild", epilog="Next: `careloop worklist status`; open pages show the list by themselves."
)
def rebuild() -> None:
    """Build the index anew from the EHR, in CARELOOP_STATE_DIR of review.

    Review may run: it waits with its own looks at the EHR, and its pages say meanwhile that the
    list is being built. What is ended on the way, review goes on with.
    """
    from services.review.process import review_scopes
    from services.review.worklist.feed import Feed
    from services.review.worklist.index import INDEX, Index
    from shared.ehr.guard.abilities import UNPROVEN
    from shared.ehr.opening import open_ehr
    from shared.ehr.proof import recorded

    settings = load_settings()
    with open_ehr(settings, review_scopes()) as ehr:
        ehr.abilities = recorded(ehr) or UNPROVEN
        feed = Feed(ehr, Index(settings.state_dir / INDEX))
        try:
            count = feed.rebuild(_told)
        finally:
            feed.close()
    click.echo(f"{count:,} results are in the index. Next: `careloop worklist status`.")


@worklist.command(
    "status",
    epilog="Exit status 1: the list is not complete, or not up to date. Next: `careloop doctor "
    "review`, then `careloop worklist rebuild`.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
def status(as_json: bool) -> None:
    """Say how many results the index holds, and of when it is. The EHR is not asked."""
    from services.review.worklist.index import INDEX, Index
    from services.review.worklist.kept.query import Filter
    from services.review.worklist.listing import OUTCOMES, state

    path = load_settings().state_dir / INDEX
    if not path.exists():  # a look must not begin it
        raise Wrong(NOTHING.format(path=path, demo=STATE))
    index = Index(path)
    counts, now = index.page(Filter(), size=0).counts, state(index)
    swept = index.fact("swept")
    is_good = now.is_complete and not now.stale_since
    index.close()
    if as_json:
        shown = {"results": dict(counts), "complete": now.is_complete, "swept": swept}
        click.echo(json.dumps(shown, indent=2))
    else:
        for outcome, words in OUTCOMES.items():
            click.echo(f"{words:<20}{counts.get(outcome, 0):>9,}")
        click.echo(f"complete: {'yes' if now.is_complete else 'no, it is being built'}")
        click.echo(f"the EHR was last asked: {swept or 'never'}")
    sys.exit(0 if is_good else 1)


def _told(count: int) -> None:
    """Report progress; heads come by the 200."""
    if count % TOLD_EACH < 200:
        click.echo(f"{count:,} results read", err=True)
