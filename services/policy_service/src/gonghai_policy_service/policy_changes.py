"""What two policies of a tenant say otherwise: calendar, plugins, settings, rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gonghai.policy.v1 import policy_service_pb2
from gonghai_engine import Policy
from gonghai_engine.document import DEFAULT
from gonghai_policy_service.policy_names import PolicyName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_engine import IndustryPolicy, TenantPolicy
    from gonghai_engine.calendar import Calendar
    from gonghai_policy_service.catalogue import Catalogue

Values = dict[str, str]
"""What stands where, as JSON."""


def compared(
    catalogue: Catalogue, before: TenantPolicy, after: TenantPolicy
) -> policy_service_pb2.ComparePolicyResponse:
    """Return what would change when one took the place of the other."""
    names = {*before.document.industries, *after.document.industries}
    return policy_service_pb2.ComparePolicyResponse(
        base_revision=before.revision,
        calendar=_changes(_calendar(before.calendar), _calendar(after.calendar)),
        industries=[
            change
            for name in (DEFAULT, *sorted(names))
            if (change := _industry(catalogue, before, after, name)) is not None
        ],
    )


def _industry(
    catalogue: Catalogue, before: TenantPolicy, after: TenantPolicy, name: str
) -> policy_service_pb2.IndustryChange | None:
    """Compare an industry; one that a document does not name is decided as by default there."""
    industry = "" if name == DEFAULT else name
    old, new = before.industry(industry), after.industry(industry)
    change = policy_service_pb2.IndustryChange(
        industry=name,
        plugin_before=old.plugin,
        plugin_after=new.plugin,
        settings=_changes(_settings(old), _settings(new)),
        rules=_rules(_listed(catalogue, before, name), _listed(catalogue, after, name)),
    )
    same = old.plugin == new.plugin and not change.settings and not change.rules
    return None if same else change


def _listed(
    catalogue: Catalogue, policy: TenantPolicy, name: str
) -> dict[tuple[str, str], policy_service_pb2.Rule]:
    known = name if name in policy.document.industries else DEFAULT
    found: dict[tuple[str, str], policy_service_pb2.Rule] = {}
    for kind in Policy:
        listed = catalogue.full(policy, PolicyName(policy.tenant, known, kind))
        found |= {(str(kind), rule.rule): rule for rule in listed.rules}
    return found


def _rules(
    before: Mapping[tuple[str, str], policy_service_pb2.Rule],
    after: Mapping[tuple[str, str], policy_service_pb2.Rule],
) -> Iterator[policy_service_pb2.RuleChange]:
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield policy_service_pb2.RuleChange(policy=key[0], before=old, after=new)


def _settings(industry: IndustryPolicy) -> Values:
    """Return every setting of the plugin itself; what it leaves open has its own industry."""
    own = industry.own
    return {} if own is None else dict(_flat(own.settings.model_dump(mode="json"), ""))


def _calendar(calendar: Calendar) -> Values:
    return {
        "zone": _json(calendar.zone),
        "calendar": _json(str(calendar.working_days)),
        "holidays": _json(sorted(map(str, calendar.holidays))),
        "workdays": _json(sorted(map(str, calendar.workdays))),
    }


def _changes(before: Values, after: Values) -> Iterator[policy_service_pb2.ValueChange]:
    for path in dict.fromkeys((*before, *after)):
        old, new = before.get(path, ""), after.get(path, "")
        if old != new:
            yield policy_service_pb2.ValueChange(path=path, before=old, after=new)


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - plain data
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif path:
        yield path, _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
