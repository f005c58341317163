"""Two repairs of the joining of a group in kafka-python 3.0.

A poll may end while its member joins the group. kafka-python 3.0 then loses the join in two ways.

`_coordinator` is kafka-python's own business, which no release promises to keep: pyproject.toml
stays below 3.1 because of it.
"""

from typing import Any


def keep_join(coordinator: Any) -> None:
    """Let the next poll take a late answer to a join.

    kafka-python throws it away and joins again. As the leader's join begins another generation, a
    group may never settle.
    """
    join = coordinator._do_join_and_sync_async
    # (generation, encoded assignment), until the next join is sent
    answered: list[tuple[Any, bytes]] = []

    async def join_or_take_answer() -> bytes:
        if (
            answered
            and coordinator.rebalance_in_progress()
            and coordinator._generation == answered[0][0]
        ):
            return answered.pop()[1]
        answered.clear()
        assignment: bytes = await join()
        answered.append((coordinator._generation, assignment))
        return assignment

    coordinator._do_join_and_sync_async = join_or_take_answer


def resume_join(coordinator: Any) -> None:
    """Continue a forgotten join: the leader's, after a change of metadata.

    Without it the member fetches on, sends no heartbeats, and no commit is accepted any more.
    """
    if coordinator.rejoining and not coordinator.need_rejoin():
        coordinator.request_rejoin()
