"""Which customers show signs of a loss (流失预警), by the plugin's rules of risk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.policy.v1 import policy_service_pb2
from gonghai.type.v1 import fact_pb2
from gonghai_cli.account.reading import side_by_side
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from gonghai.archive.v1 import customer_pb2
    from gonghai_cli.account.reading import Findings
    from gonghai_cli.services import Services


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign: how many customers show it, and the most valuable of them as an example.

    ``why`` is everything that the rules say of the example.
    """

    sign: str
    customers: int
    name: str
    tier: str
    why: str


async def signs_of(services: Services, tenant: str, found: Findings) -> list[Sign]:
    """Ask the rules about each customer as he is now; the most frequent sign first."""
    # The most valuable first: he is the example.
    customers = sorted(found.customers.values(), key=lambda each: (-each.tier.rank, each.name))
    names = {each.industry: _risk(tenant, each.industry) for each in customers}
    reads = {industry: await _reads(services, name) for industry, name in names.items()}

    async def ask(customer: customer_pb2.Customer) -> policy_service_pb2.EvaluateResponse:
        request = policy_service_pb2.EvaluateRequest(name=names[customer.industry])
        for fact, value in _facts(customer).items():
            if fact in reads[customer.industry]:
                request.facts[fact].CopyFrom(value)
        return await repeated(lambda: services.policies.Evaluate(request))

    counts: Counter[str] = Counter()
    examples: dict[str, tuple[customer_pb2.Customer, str]] = {}
    for customer, answer in zip(customers, await side_by_side(ask, customers), strict=True):
        for sign in answer.decision.outcome.split(","):
            if sign != "none":
                counts[sign] += 1
                examples.setdefault(sign, (customer, answer.decision.reason))
    return [
        Sign(sign, counts[sign], customer.display_name, customer.tier.tier, why)
        for sign in sorted(counts, key=lambda name: (-counts[name], name))
        for customer, why in (examples[sign],)
    ]


def _risk(tenant: str, industry: str) -> str:
    return f"tenants/{tenant}/policies/{industry or 'default'}.risk"


async def _reads(services: Services, name: str) -> set[str]:
    request = policy_service_pb2.GetPolicyRequest(name=name)
    policy = await repeated(lambda: services.policies.GetPolicy(request))
    return {fact.fact for fact in policy.facts}


def _facts(customer: customer_pb2.Customer) -> dict[str, fact_pb2.Value]:
    decided = {
        "stage": customer.stage.stage,
        "tier": customer.tier.tier,
        "value_grade": customer.tier.value,
        "potential_grade": customer.tier.potential,
    }
    return {
        **customer.metrics.facts,
        **customer.attributes,
        **{fact: fact_pb2.Value(string_value=text) for fact, text in decided.items() if text},
        "tier_rank": fact_pb2.Value(int_value=customer.tier.rank),
    }
