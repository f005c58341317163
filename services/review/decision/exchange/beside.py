"""Tell which standing orders of a drug a new one would stand beside (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.review.decision.exchange.exchange import Exchanges
from services.review.decision.exchange.orders import Order
from services.review.result.drugs import Substance
from shared.answers import digest


@dataclass(frozen=True)
class Beside:
    """A proposed order, and the standing orders that hold a drug of it.

    Attributes:
        key: of the proposal among the outputs.
        name: of its drug.
    """

    key: str
    name: str
    orders: tuple[Order, ...]

    @property
    def token(self) -> str:
        """Name these very orders, as they were read: a tick for others is none."""
        said = [f"{o.reference} {o.name} {o.version} {o.moment}" for o in self.orders]
        return digest(self.key, said)[-16:]

    @property
    def words(self) -> str:
        """What the head's note says of it."""
        return f"{self.name} ({', '.join(_named(order) for order in self.orders)})"


Besides = Mapping[str, Beside]  # key of the proposal -> what it would stand beside


def beside(
    proposed: Mapping[str, Substance],
    standing: Sequence[Order],
    exchanges: Exchanges,
) -> Besides:
    """Compare each proposed drug with the orders that stand after the signature.

    An order that the signature stops with this very proposal does not. One that is left to its
    prescriber does.

    Args:
        proposed: what each proposal is of, by its key.
        standing: the orders of the patient, without those of this result.
    """
    stopped = {
        exchange.key: {e.order.reference for e in exchange.endings if e.how == "stop"}
        for exchange in exchanges.each
    }
    found = (
        Beside(key, drug.name, tuple(_same(drug, standing, stopped.get(key, ()))))
        for key, drug in proposed.items()
    )
    return {each.key: each for each in found if each.orders}


def ordered(besides: Besides, gone: Collection[str]) -> list[Beside]:
    """List those whose proposal becomes an order.

    Args:
        gone: keys of what is not accepted or not chosen.
    """
    return [each for each in besides.values() if each.key not in gone]


def _same(drug: Substance, standing: Sequence[Order], stopped: Collection[str]) -> list[Order]:
    return [o for o in standing if o.substance.is_same(drug) and o.reference not in stopped]


def _named(order: Order) -> str:
    since = f"since {order.ordered[:10]}" if order.ordered else "date not recorded"
    return f"{order.name}, {since}"
