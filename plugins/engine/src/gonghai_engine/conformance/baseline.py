"""What a decision costs on this machine at this moment: a small table, decided by the same engine.

A budget in microseconds would be another promise on each machine; a ratio to this is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_engine.compiled import CompiledPolicy
from gonghai_plugin import Plugin, Rule, Settings, Text, first_hit, host_facts, otherwise
from gonghai_plugin.outcomes import Stage
from gonghai_plugin.policies import Lifecycle
from gonghai_plugin.versions import SDK_VERSION

if TYPE_CHECKING:
    from gonghai_engine.decisions import FactValue

_WHY = Text("because", "因为")


def baseline() -> tuple[CompiledPolicy, list[dict[str, FactValue]]]:
    """Return a policy of five rules about two facts, and facts to decide on."""
    last, orders = host_facts.DAYS_SINCE_LAST_ORDER, host_facts.ORDERS_365D
    rules = [
        Rule(f"after-{days}", last.at_least(days), Stage(f"after-{days}", _WHY), _WHY)
        for days in (365, 180, 90)
    ]
    rules.append(Rule("often", orders.at_least(12), Stage("often", _WHY), _WHY))
    declared = Lifecycle(first_hit(*rules, otherwise(Stage("other", _WHY), _WHY)))
    plugin = Plugin("baseline", "1", SDK_VERSION, _WHY, Settings, (), (), (declared,), frozenset())
    facts: list[dict[str, FactValue]] = [
        {last.name: days, orders.name: days // 9} for days in range(0, 400, 10)
    ]
    return CompiledPolicy(declared, plugin, Settings()), facts
