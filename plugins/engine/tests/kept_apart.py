"""An engine as a service has it, and a plugin with moods that it keeps apart, for tests."""

from __future__ import annotations

from gonghai_engine import (
    Decision,
    DecisionFailure,
    DecisionRequest,
    Engine,
    PluginSelection,
    Policy,
)
from gonghai_engine.isolation.keeping import Isolation
from gonghai_engine.isolation.lane import Limits

NOW = 1_790_000_000_000_000
PATIENCE = 0.3
RAISES, LOOPS, SEGFAULTS, NONSENSE, LEAVES, PRINTS, SLEEPS, SLOW = range(1, 9)
FEW, MANY = 50, 300

MOODY = f"""
def moody(orders):
    if orders == {RAISES}: raise ValueError("secret of a customer")
    while orders == {LOOPS}: pass
    if orders == {SEGFAULTS}: ctypes.string_at(0)
    if orders == {NONSENSE}: return "many"
    if orders == {LEAVES}: os._exit(3)
    if orders == {PRINTS}: print("words that are no answer")
    if orders == {SLEEPS}: time.sleep(1000)
    if orders == {SLOW}: time.sleep(0.02)
    return orders
"""


class Clock:
    """Seconds that go by when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Service:
    """An engine as a service has it, with a plugin that is kept apart."""

    def __init__(self, name: str, limits: Limits = Limits(decision=PATIENCE)) -> None:  # noqa: B008 - frozen
        self.clock = Clock()
        self.told: list[str] = []
        self.engine = Engine.load(
            PluginSelection(allowed=frozenset({name, "standard"}), required=frozenset({name})),
            isolation=Isolation(
                limits,
                tell=lambda event, **_: self.told.append(event),
                clock=self.clock,
            ),
        )

    async def bind(self, name: str, *tenants: str, trial: bool = False) -> None:
        document = self.engine.parse(f"version: 1\ndefault: {{plugin: {name}}}\n")
        for tenant in tenants:
            assert await self.engine.put_in_force(tenant, 1, document, trial=trial)

    async def ask(self, *orders: int | None, tenant: str = "t") -> list[str]:
        """Return the rule that decided for each count of orders, or why none did."""
        asked = [request(count, tenant) for count in orders]
        return [short(answer) for answer in await self.engine.decide(asked)]


def request(orders: int | None, tenant: str = "t") -> DecisionRequest:
    return DecisionRequest(tenant, "", Policy.TIERING, {"orders_30d": orders}, NOW, str(orders))


def short(answer: Decision | DecisionFailure) -> str:
    return answer.rule if isinstance(answer, Decision) else answer.cause
