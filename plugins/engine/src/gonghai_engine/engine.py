"""The engine: which plugins there are, what decides for each tenant, and the decisions."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gonghai_engine.calendar import warm_up
from gonghai_engine.decisions import Decision, DecisionFailure
from gonghai_engine.describe import PluginDescription, describe
from gonghai_engine.document import (
    DEFAULT_TEXT,
    Binding,
    PolicyDocument,
    PolicyDocumentError,
    Problem,
    problems_of,
)
from gonghai_engine.explain import Explanation, truths
from gonghai_engine.faults import DeclarationError, EngineError, FactError
from gonghai_engine.loading import STANDARD, PluginHealth, PluginSelection, load
from gonghai_engine.settings import digest
from gonghai_engine.tenants import CompiledPlugin, IndustryPolicy, TenantPolicy
from gonghai_engine.verdicts import Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.metadata import EntryPoint

    from gonghai_engine.decisions import DecisionRequest
    from gonghai_engine.tenants import Resolved
    from gonghai_plugin.plugin import Plugin

_AT_A_TIME: Final = 128
_NO_SETTINGS: Final = Binding(STANDARD, {})


class Engine:
    """Decides for every tenant of a service. Not to be used by two threads at once."""

    def __init__(self, plugins: Mapping[str, Plugin], health: Sequence[PluginHealth] = ()) -> None:
        """Take plugins that were loaded and checked; `load` does both."""
        self._plugins = dict(plugins)
        self._health = tuple(health)
        self._compiled: dict[tuple[str, str], CompiledPlugin] = {}
        self._tenants: dict[str, TenantPolicy] = {}
        self._default = PolicyDocument.parse(DEFAULT_TEXT)
        self._unknown: dict[str, TenantPolicy] = {}
        self.failed: Counter[str] = Counter()
        """How many decisions failed since the start, by plugin."""

    @classmethod
    def load(
        cls,
        selection: PluginSelection = PluginSelection(),  # noqa: B008 - frozen
        found: Iterable[EntryPoint] | None = None,
    ) -> Engine:
        """Load the installed plugins (or ``found``). Never raises for a broken plugin."""
        loaded = load(selection, found)
        warm_up()
        return cls(loaded.plugins, loaded.health)

    def health(self) -> tuple[PluginHealth, ...]:
        """Return how loading each plugin went."""
        return self._health

    @property
    def ready(self) -> bool:
        """Say whether every required plugin is there."""
        return all(item.ok for item in self._health if item.required)

    @property
    def plugins(self) -> Mapping[str, PluginDescription]:
        """Return what each plugin declares, by name."""
        return {name: describe(plugin) for name, plugin in sorted(self._plugins.items())}

    def parse(self, text: str) -> PolicyDocument:
        """Read a document and check it against the plugins.

        Raises PolicyDocumentError with each line and field at fault; nothing changes then.
        """
        document = PolicyDocument.parse(text)
        found = [self._problems(document, *bound) for bound in document.bindings()]
        return _sound(document, found)

    async def read(self, text: str) -> PolicyDocument:
        """Do as `parse` does, without keeping everybody else waiting.

        The text is read in a thread. The plugins are compiled here, an industry at a time: the rule
        engine is for one thread.
        """
        document = await asyncio.to_thread(PolicyDocument.parse, text)
        found = []
        for bound in document.bindings():
            found.append(self._problems(document, *bound))
            await asyncio.sleep(0)
        return _sound(document, found)

    def activate(self, tenant: str, revision: int, document: PolicyDocument) -> bool:
        """Put a document in force. False: the tenant is at this or a later revision already.

        A plugin that is missing here, or does not take the settings, makes its decisions fail on
        the safe side; it stops nothing else.
        """
        current = self._tenants.get(tenant)
        if current is not None and current.revision >= revision:
            return False
        self._tenants[tenant] = self._resolve(tenant, revision, document)
        self._sweep()
        return True

    def forget(self, tenant: str) -> None:
        """Drop a tenant's policies: it is as if none had ever been applied."""
        self._tenants.pop(tenant, None)
        self._unknown.pop(tenant, None)
        self._sweep()

    def tenant(self, tenant: str) -> TenantPolicy:
        """Return a tenant's policies: revision 0, the default document, where none was applied."""
        found = self._tenants.get(tenant)
        if found is not None:
            return found
        if "" not in self._unknown:
            self._unknown[""] = self._resolve("", 0, self._default)
        shared = self._unknown[""]
        return TenantPolicy(tenant, 0, self._default, shared.industry(""), {})

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Decide each request, in order. Never raises for a bad one: it gets a DecisionFailure."""
        results: list[Decision | DecisionFailure] = []
        for place, request in enumerate(requests, start=1):
            results.append(self._decide(request))
            if place % _AT_A_TIME == 0:
                await asyncio.sleep(0)  # a large batch must not keep everybody else waiting
        return results

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Decide, and return the truth of every rule and condition beside it."""
        decision = self._decide(request)
        if isinstance(decision, DecisionFailure):
            return decision
        resolved = self.tenant(request.tenant).industry(request.industry).resolved[request.policy]
        values = resolved.compiled.values(request.facts)
        tenant = self.tenant(request.tenant)
        resolved.compiled.decide(values, Moment(request.now, tenant.calendar))  # puts grades in
        return Explanation(decision, truths(resolved.compiled, resolved.owner.settings, values))

    def close(self) -> None:
        """Free what the rule engine holds."""
        for compiled in self._compiled.values():
            compiled.close()
        self._compiled.clear()
        self._tenants.clear()
        self._unknown.clear()

    def _decide(self, request: DecisionRequest) -> Decision | DecisionFailure:
        decided = self._attempt(request)
        if isinstance(decided, DecisionFailure):
            self.failed[decided.plugin] += 1
        return decided

    def _attempt(self, request: DecisionRequest) -> Decision | DecisionFailure:
        tenant = self._tenants.get(request.tenant) or self.tenant(request.tenant)
        industry = tenant.industry(request.industry)
        resolved = industry.resolved.get(request.policy)
        if resolved is None:
            message = industry.failure or f"no plugin decides {request.policy}"
            return _failure(request, "missing_plugin", message, industry.plugin, tenant.revision)
        try:
            return _made(request, resolved, tenant)
        except FactError as error:
            cause, message = "bad_facts", str(error)
        except EngineError as error:
            cause, message = "engine_error", str(error)
        except Exception as error:  # noqa: BLE001 - whatever a plugin's declarations lead to
            cause, message = "policy_error", f"{type(error).__name__}: {error}"
        return _failure(request, cause, message, industry.plugin, tenant.revision)

    def _problems(
        self, document: PolicyDocument, _: str, field: str, binding: Binding
    ) -> list[Problem]:
        plugin = self._plugins.get(binding.plugin)
        if plugin is None:
            return [document.problem(f"{field}.plugin", self._why_missing(binding))]
        try:
            self._compile(plugin, binding)
        except ValidationError as error:
            return list(problems_of(error, (*field.split("."), "settings"), document.lines))
        except DeclarationError as error:
            path = f"{field}.settings"
            path += f".{error.setting}" if error.setting else ""
            return [document.problem(path, str(error))]
        return []

    def _resolve(self, tenant: str, revision: int, document: PolicyDocument) -> TenantPolicy:
        industries = {
            industry: self._bind(industry, binding, document)
            for industry, _, binding in document.bindings()
        }
        return TenantPolicy(tenant, revision, document, industries.pop(""), industries)

    def _bind(self, industry: str, binding: Binding, document: PolicyDocument) -> IndustryPolicy:
        plugin = self._plugins.get(binding.plugin)
        if plugin is None:
            return IndustryPolicy(industry, binding.plugin, None, None, self._why_missing(binding))
        try:
            own = self._compile(plugin, binding)
            standard = self._standard(document) if plugin.absent else None
        except (ValidationError, DeclarationError) as error:
            return IndustryPolicy(industry, binding.plugin, None, None, str(error))
        return IndustryPolicy(industry, binding.plugin, own, standard)

    def _standard(self, document: PolicyDocument) -> CompiledPlugin | None:
        plugin = self._plugins.get(STANDARD)
        if plugin is None:
            return None
        named = (item for _, _, item in document.bindings() if item.plugin == STANDARD)
        return self._compile(plugin, next(named, _NO_SETTINGS))

    def _compile(self, plugin: Plugin, binding: Binding) -> CompiledPlugin:
        settings = plugin.settings.model_validate(dict(binding.settings))
        key = plugin.name, digest(settings)
        if key not in self._compiled:
            self._compiled[key] = CompiledPlugin.of(plugin, settings)
        return self._compiled[key]

    def _why_missing(self, binding: Binding) -> str:
        for item in self._health:
            if item.name == binding.plugin:
                return f"the plugin {binding.plugin!r} did not load: {item.error}"
        return f"there is no plugin {binding.plugin!r}"

    def _sweep(self) -> None:
        """Free compiled plugins that no tenant has any more."""
        tenants = (*self._tenants.values(), *self._unknown.values())
        used = {
            id(resolved.owner)
            for tenant in tenants
            for industry in tenant.industries
            for resolved in industry.resolved.values()
        }
        for key, compiled in list(self._compiled.items()):
            if id(compiled) not in used:
                self._compiled.pop(key).close()


def _sound(document: PolicyDocument, found: Iterable[list[Problem]]) -> PolicyDocument:
    problems = [problem for each in found for problem in each]
    if problems:
        raise PolicyDocumentError(problems)
    return document


def _made(request: DecisionRequest, resolved: Resolved, tenant: TenantPolicy) -> Decision:
    compiled = resolved.compiled
    values = compiled.values(request.facts)
    verdict = compiled.decide(values, Moment(request.now, tenant.calendar))
    owner = resolved.owner
    return Decision(
        request.subject,
        request.policy,
        verdict.rule,
        verdict.outcome,
        verdict.reason,
        verdict.also,
        owner.plugin.name,
        owner.plugin.version,
        tenant.revision,
        owner.digest,
        {name: values[name] for name in compiled.recorded},
        request.now,
    )


def _failure(
    request: DecisionRequest, cause: str, message: str, plugin: str, revision: int
) -> DecisionFailure:
    return DecisionFailure(
        request.subject, request.policy, cause, message, plugin, revision, request.now
    )
