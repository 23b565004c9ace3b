"""On whom a simulation could not decide: else it would look as if nothing happened to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gonghai.type.v1 import decision_pb2
from gonghai_chassis.names import CustomerName
from gonghai_engine import DecisionFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gonghai_engine import Decision

_EXAMPLES: Final = 5


@dataclass(slots=True)
class _Cause:
    message: str
    customers: dict[str, None] = field(default_factory=dict)


class Undecided:
    """The customers of one simulation on whom a policy could not decide, by cause."""

    def __init__(self) -> None:
        """Begin with none."""
        self._causes: dict[tuple[str, str, str], _Cause] = {}

    def note(self, answers: Iterable[Decision | DecisionFailure]) -> None:
        """Note those among the answers that are failures; each customer counts once."""
        for answer in answers:
            if isinstance(answer, DecisionFailure):
                key = str(answer.policy), answer.plugin, answer.cause
                cause = self._causes.setdefault(key, _Cause(answer.message))
                cause.customers[answer.subject] = None

    def messages(self, tenant: str) -> list[decision_pb2.Undecided]:
        """Return what was noted, as messages."""
        return [
            decision_pb2.Undecided(
                policy=policy,
                plugin=plugin,
                cause=name,
                message=cause.message,
                customers=len(cause.customers),
                examples=[
                    str(CustomerName(tenant, customer))
                    for customer, _ in zip(cause.customers, range(_EXAMPLES), strict=False)
                ],
            )
            for (policy, plugin, name), cause in self._causes.items()
        ]
