"""A tenant's policies: the document in force, resolved to compiled plugins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from gonghai_engine.attributes import AttributeSchema
from gonghai_engine.column_decisions import Decided, decide_columns
from gonghai_engine.columns import FactColumns
from gonghai_engine.compiled import CompiledPolicy
from gonghai_engine.decisions import Decision
from gonghai_engine.faults import EngineError
from gonghai_engine.next_change import next_change_days
from gonghai_engine.often import Often, often_of
from gonghai_engine.outcomes import Stage
from gonghai_engine.settings import digest
from gonghai_plugin import policies as declarations
from gonghai_plugin.facts import Derived

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_engine.calendar import Calendar
    from gonghai_engine.decisions import DecisionRequest, FactValue
    from gonghai_engine.document import PolicyDocument
    from gonghai_engine.verdicts import Moment, Verdict
    from gonghai_plugin.plugin import Plugin, Settings
    from gonghai_plugin.policies import Policy
    from gonghai_plugin.texts import Text

PolicyT = TypeVar("PolicyT")
TRIED: Final = "/trial-"
"""Stands between a tenant's name and what tells its trials apart; no name of a tenant has it."""

_NO_ATTRIBUTES: Final = AttributeSchema(())


@dataclass(frozen=True, slots=True)
class TierStep:
    """A tier that a plugin knows."""

    name: str
    rank: int
    label: Text


@dataclass(frozen=True, slots=True)
class CompiledPlugin:
    """A plugin compiled with settings; shared by every tenant that has the same."""

    plugin: Plugin
    settings: Settings
    digest: str
    policies: Mapping[Policy, CompiledPolicy]
    often: Often | None
    """When a customer buys a category often; None where the plugin does not say."""

    @classmethod
    def of(cls, plugin: Plugin, settings: Settings) -> CompiledPlugin:
        """Compile. Raises DeclarationError naming rule and setting."""
        often = often_of(plugin, settings)
        compiled = {
            declared.policy: CompiledPolicy(declared, plugin, settings)
            for declared in plugin.policies
        }
        return cls(plugin, settings, digest(settings), compiled, often)

    def close(self) -> None:
        """Free what the rule engine holds for it."""
        for compiled in self.policies.values():
            compiled.close()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The policy that decides, and whose it is."""

    compiled: CompiledPolicy
    owner: CompiledPlugin

    def decision(
        self,
        request: DecisionRequest,
        tenant: TenantPolicy,
        verdict: Verdict,
        values: Mapping[str, FactValue],
    ) -> Decision:
        """Return the decision that a verdict makes, with the facts that it is recorded with."""
        return Decision(
            request.subject,
            request.policy,
            verdict.rule,
            verdict.outcome,
            verdict.said,
            verdict.also_said,
            self.owner.plugin.name,
            self.owner.plugin.version,
            tenant.revision,
            self.owner.digest,
            {name: values[name] for name in self.compiled.recorded},
            request.now,
        )


class IndustryPolicy:
    """What decides for one industry of a tenant."""

    def __init__(
        self,
        industry: str,
        plugin: str,
        own: CompiledPlugin | None,
        standard: CompiledPlugin | None,
        failure: str = "",
    ) -> None:
        """Resolve each policy to the plugin's own, or to the standard one it declared absent."""
        self.industry = industry
        self.plugin = plugin
        self.failure = failure
        """Why nothing can be decided, "" when it can."""
        self._own = own
        self.attributes = _NO_ATTRIBUTES if own is None else AttributeSchema(own.plugin.attributes)
        """The custom attributes of the industry."""
        self.resolved: dict[Policy, Resolved] = {}
        if own is None:
            return
        for policy, compiled in own.policies.items():
            self.resolved[policy] = Resolved(compiled, own)
        if standard is not None:
            for policy in own.plugin.absent & standard.policies.keys():
                self.resolved[policy] = Resolved(standard.policies[policy], standard)

    @property
    def own(self) -> CompiledPlugin | None:
        """Return the industry's own plugin with its settings, None when it is missing."""
        return self._own

    @property
    def missing(self) -> bool:
        """Say whether the plugin could not be had: then every decision fails, on the safe side."""
        return self._own is None

    @property
    def plugin_version(self) -> str:
        """Return the plugin's version, "" when it is missing."""
        return "" if self._own is None else self._own.plugin.version

    @property
    def settings_digest(self) -> str:
        """Return what tells these settings from others, "" when the plugin is missing."""
        return "" if self._own is None else self._own.digest

    @property
    def tiers(self) -> tuple[TierStep, ...]:
        """Return the tiers there are, the best first."""
        declared = self._declared(declarations.Tiering)
        found = {
            rule.then.name: TierStep(rule.then.name, rule.then.rank, rule.then.label)
            for rule in (declared.rules.rules if declared is not None else ())
        }
        return tuple(sorted(found.values(), key=lambda step: (-step.rank, step.name)))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the stages there are, as the plugin lists them."""
        declared = self._declared(declarations.Lifecycle)
        found = {
            rule.then.name: Stage(rule.then.name, rule.then.label)
            for rule in (declared.rules.rules if declared is not None else ())
        }
        return tuple(found.values())

    @property
    def upline(self) -> str | None:
        """Return the attribute that names a customer's sponsor; None: there is one level."""
        upline = None if self._own is None else self._own.plugin.upline
        return None if upline is None else upline.attribute.name

    @property
    def often(self) -> Often | None:
        """Return when a customer buys a category often; None where the plugin does not say."""
        return None if self._own is None else self._own.often

    def needs(self, *policies: Policy) -> frozenset[str]:
        """Return the names of the given facts that those policies (none named: all) read."""
        chosen = policies or tuple(self.resolved)
        return frozenset(
            fact.name
            for policy in chosen
            if policy in self.resolved
            for fact in self.resolved[policy].compiled.facts.values()
            if not isinstance(fact.origin, Derived)
        )

    def next_change_days(
        self,
        facts: Mapping[str, object],
        window_days: Mapping[str, int | None],
        *policies: Policy,
    ) -> int | None:
        """Return in how many days one of the policies may decide otherwise by time alone.

        See `gonghai_engine.next_change.next_change_days`. A policy that can't decide is left out.
        """
        return next_change_days(
            [self.resolved[policy].compiled for policy in policies if policy in self.resolved],
            facts,
            window_days,
        )

    def columns(self, rows: Sequence[Mapping[str, object]], *policies: Policy) -> FactColumns:
        """Turn what is known of many subjects into columns that those policies read.

        A row is what `DecisionRequest.facts` would be. A policy that can't decide is left out.
        """
        given = {
            fact.name: fact
            for policy in policies
            if policy in self.resolved
            for fact in self.resolved[policy].compiled.intake.facts
        }
        return FactColumns.of(tuple(given.values()), rows)

    def decide_columns(self, policy: Policy, facts: FactColumns, moment: Moment) -> Decided:
        """Decide for each row what `Engine.decide` would decide for it alone.

        Raises EngineError where no plugin decides (every single decision would fail), and where
        the plugin computes facts by functions of its own: those are decided one by one.
        """
        resolved = self.resolved.get(policy)
        if resolved is None:
            raise EngineError(self.failure or f"no plugin decides {policy}")
        return decide_columns(resolved.compiled, facts, resolved.owner.settings, moment)

    def _declared(self, kind: type[PolicyT]) -> PolicyT | None:
        for item in self.resolved.values():
            if isinstance(item.compiled.declared, kind):
                return item.compiled.declared
        return None


class TenantPolicy:
    """A tenant's policies at one revision."""

    def __init__(
        self,
        tenant: str,
        revision: int,
        document: PolicyDocument,
        default: IndustryPolicy,
        industries: Mapping[str, IndustryPolicy],
        *,
        trial: bool = False,
    ) -> None:
        """Take what the engine resolved."""
        self.tenant = tenant
        self.trial = trial
        """Whether it is on trial: nobody lives by it."""
        self.revision = revision
        self.document = document
        self._default = default
        self._industries = industries

    @property
    def owner(self) -> str:
        """Return the tenant whose turn it takes to decide by it: on trial, who tries it."""
        return self.tenant.partition(TRIED)[0]

    @property
    def calendar(self) -> Calendar:
        """Return the tenant's calendar."""
        return self.document.calendar

    @property
    def industries(self) -> tuple[IndustryPolicy, ...]:
        """Return what the document binds, the default first."""
        return (self._default, *self._industries.values())

    def industry(self, name: str) -> IndustryPolicy:
        """Return the policies of an industry; of one the document does not name, the default's."""
        return self._industries.get(name, self._default)
