"""What can be listed of policies: which are in force, with rules and settings, and the plugins."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.errors import FieldViolation, InvalidRequest, NotFound
from gonghai_engine import Policy
from gonghai_engine.describe import describe
from gonghai_engine.document import DEFAULT
from gonghai_engine.settings import value_at
from gonghai_plugin.policies import OPTIONAL
from gonghai_policy_service.declared import Declared, attribute_message, workflow_message
from gonghai_policy_service.policy_names import PolicyName
from gonghai_policy_service.reasons import in_language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_engine import Engine, IndustryPolicy, TenantPolicy
    from gonghai_engine.tenants import CompiledPlugin, Resolved
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
            PolicyName(policy.tenant, industry, kind)
            for industry in industries
            for kind in (*Policy, *Declared)
        ]
        return [name for name in names if self._is_there(policy, name)]

    def check(self, policy: TenantPolicy, name: PolicyName) -> None:
        """Check that there is such a policy, or such a declaration.

        Raises:
            NotFound: the document does not name the industry.
        """
        self._industry(policy, name)

    def decided(self, policy: TenantPolicy, name: PolicyName) -> Policy:
        """Return the kind of a policy by which something is decided; raises what `check` raises.

        Raises:
            InvalidRequest: attributes and workflows are declared, and decide nothing.
        """
        self.check(policy, name)
        if isinstance(name.policy, Declared):
            problem = f"{name.policy} are declared; nothing is decided by them"
            raise InvalidRequest(FieldViolation("name", problem))
        return name.policy

    def summary(self, policy: TenantPolicy, name: PolicyName) -> policy_service_pb2.Policy:
        """Return a policy without its rules; raises what `check` raises."""
        industry = self._industry(policy, name)
        owner = _owner(industry, name)
        message = policy_service_pb2.Policy(
            name=str(name),
            industry=name.industry,
            policy=str(name.policy),
            plugin=industry.plugin,
            plugin_version=industry.plugin_version,
            revision=policy.revision,
        )
        if owner is not None:
            message.plugin = owner.plugin.name
            message.plugin_version = owner.plugin.version
            message.settings_json = owner.settings.model_dump_json()
            message.settings_digest = owner.digest
        return message

    def full(
        self, policy: TenantPolicy, name: PolicyName, language: str = "en"
    ) -> policy_service_pb2.Policy:
        """Return a policy with its rules and what they read, or what is declared.

        What the facts mean is said in ``language``.

        Raises what `check` raises.
        """
        message = self.summary(policy, name)
        industry = self._industry(policy, name)
        owner = _owner(industry, name)
        if owner is None:
            return message
        message.settings_schema_json = json.dumps(
            owner.plugin.settings.model_json_schema(), ensure_ascii=False
        )
        if isinstance(name.policy, Declared):
            _declare(message, name.policy, owner)
            return message
        resolved = industry.resolved[name.policy]
        message.rules.extend(self._rules(resolved, name.policy))
        for fact in resolved.compiled.facts.values():
            message.facts.add(
                fact=fact.name,
                type=str(fact.type),
                description=in_language(fact.about, language),
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
                message.workflows.extend(map(workflow_message, plugins[item.name].workflows))
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

    def _is_there(self, policy: TenantPolicy, name: PolicyName) -> bool:
        """Say whether there is what plugins may leave out."""
        industry = self._industry(policy, name)
        if name.policy in OPTIONAL:
            return name.policy in industry.resolved
        own = industry.own
        match name.policy:
            case Declared.ATTRIBUTES:
                return own is not None and bool(own.plugin.attributes)
            case Declared.WORKFLOWS:
                return own is not None and bool(own.plugin.workflows)
            case _:
                return True

    def _industry(self, policy: TenantPolicy, name: PolicyName) -> IndustryPolicy:
        if name.industry == DEFAULT:
            return policy.industry("")
        if name.industry not in policy.document.industries:
            raise NotFound(str(name))
        return policy.industry(name.industry)


def _owner(industry: IndustryPolicy, name: PolicyName) -> CompiledPlugin | None:
    """Return the plugin that supplies a policy or declaration, None when nobody does."""
    if isinstance(name.policy, Declared):
        return industry.own
    resolved = industry.resolved.get(name.policy)
    return None if resolved is None else resolved.owner


def _declare(message: policy_service_pb2.Policy, kind: Declared, owner: CompiledPlugin) -> None:
    if kind is Declared.ATTRIBUTES:
        message.attributes.extend(map(attribute_message, owner.plugin.attributes))
        return
    for workflow in describe(owner.plugin).workflows:
        message.workflows.append(
            workflow_message(workflow, lambda text: filled(text, owner.settings))
        )


def filled(text: str, settings: Settings) -> str:
    """Return a condition with the values of its settings in it."""

    def value(match: re.Match[str]) -> str:
        found = value_at(settings, match[1], "listing")
        return json.dumps(found, ensure_ascii=False, default=str)

    return _SETTING.sub(value, text)
