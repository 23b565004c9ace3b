"""What can be listed of policies: which are in force, with rules and settings, and the plugins."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.errors import NotFound
from gonghai_engine import Policy
from gonghai_engine.document import DEFAULT
from gonghai_engine.settings import value_at
from gonghai_plugin.policies import OPTIONAL
from gonghai_policy_service.policy_names import PolicyName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_engine import Engine, IndustryPolicy, TenantPolicy
    from gonghai_engine.tenants import Resolved
    from gonghai_plugin.plugin import Settings

_SETTING: Final = re.compile(r"\bsettings\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)")


class Catalogue:
    """Lists the policies of tenants and the plugins behind them."""

    def __init__(self, engine: Engine) -> None:
        """List those of an engine."""
        self._engine = engine

    def names(self, policy: TenantPolicy) -> list[PolicyName]:
        """Return the names of all policies in force, in a fixed order."""
        industries = [DEFAULT, *sorted(policy.document.industries)]
        names = [
            PolicyName(policy.tenant, industry, kind) for industry in industries for kind in Policy
        ]
        return [
            name
            for name in names
            if name.policy not in OPTIONAL or name.policy in self._industry(policy, name).resolved
        ]

    def check(self, policy: TenantPolicy, name: PolicyName) -> None:
        """Check that there is such a policy.

        Raises:
            NotFound: the document does not name the industry.
        """
        self._industry(policy, name)

    def summary(self, policy: TenantPolicy, name: PolicyName) -> policy_service_pb2.Policy:
        """Return a policy without its rules; raises what `check` raises."""
        industry = self._industry(policy, name)
        resolved = industry.resolved.get(name.policy)
        message = policy_service_pb2.Policy(
            name=str(name),
            industry=name.industry,
            policy=str(name.policy),
            plugin=industry.plugin,
            plugin_version=industry.plugin_version,
            revision=policy.revision,
        )
        if resolved is not None:
            owner = resolved.owner
            message.plugin = owner.plugin.name
            message.plugin_version = owner.plugin.version
            message.settings_json = owner.settings.model_dump_json()
            message.settings_digest = owner.digest
        return message

    def full(self, policy: TenantPolicy, name: PolicyName) -> policy_service_pb2.Policy:
        """Return a policy with its rules and what they read; raises what `check` raises."""
        message = self.summary(policy, name)
        resolved = self._industry(policy, name).resolved.get(name.policy)
        if resolved is None:
            return message
        owner = resolved.owner
        message.settings_schema_json = json.dumps(
            owner.plugin.settings.model_json_schema(), ensure_ascii=False
        )
        message.rules.extend(self._rules(resolved, name.policy))
        for fact in resolved.compiled.facts.values():
            message.facts.add(
                fact=fact.name,
                type=str(fact.type),
                description=fact.about.en,
                allowed_values=fact.type.values or (),
            )
        return message

    def health(self) -> Iterator[policy_service_pb2.PluginHealth]:
        """Yield how each plugin fares, and which candidates there are."""
        plugins = self._engine.plugins
        for item in self._engine.health():
            message = policy_service_pb2.PluginHealth(
                plugin=item.name,
                version=item.version,
                healthy=item.ok,
                required=item.required,
                problem=item.error,
                failed_decisions=self._engine.failed[item.name],
            )
            if item.name in plugins:
                given = {str(table.policy) for table in plugins[item.name].tables}
                message.policies.extend(sorted(given))
                for workflow in plugins[item.name].workflows:
                    message.workflows.add(
                        workflow=workflow.name,
                        title_en=workflow.title.en,
                        title_zh=workflow.title.zh,
                        states=workflow.states,
                        transitions=workflow.transitions,
                    )
            yield message
        for item in self._engine.candidates:
            yield policy_service_pb2.PluginHealth(
                plugin=item.name,
                version=item.version,
                healthy=item.ok,
                problem=item.error,
                candidate=True,
            )

    def _rules(self, resolved: Resolved, kind: Policy) -> Iterator[policy_service_pb2.Rule]:
        owner = resolved.owner
        described = self._engine.plugins[owner.plugin.name]
        for table in described.tables:
            if table.policy is not kind:
                continue
            for rule in table.rules:
                yield policy_service_pb2.Rule(
                    rule=rule.name if table.table == "rules" else f"{table.table}.{rule.name}",
                    condition=filled(rule.condition, owner.settings),
                    outcome=filled(rule.outcome, owner.settings),
                    reason_en=rule.because.en,
                    reason_zh=rule.because.zh,
                )

    def _industry(self, policy: TenantPolicy, name: PolicyName) -> IndustryPolicy:
        if name.industry == DEFAULT:
            return policy.industry("")
        if name.industry not in policy.document.industries:
            raise NotFound(str(name))
        return policy.industry(name.industry)


def filled(text: str, settings: Settings) -> str:
    """Return a condition with the values of its settings in it."""

    def value(match: re.Match[str]) -> str:
        found = value_at(settings, match[1], "listing")
        return json.dumps(found, ensure_ascii=False, default=str)

    return _SETTING.sub(value, text)
