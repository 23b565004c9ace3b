"""The engine: which plugins there are, what decides for each tenant, and the decisions."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gonghai_engine.calendar import warm_up
from gonghai_engine.candidates import UnknownCandidate
from gonghai_engine.decisions import Decision, DecisionFailure, FailureCause
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
from gonghai_engine.isolation.keeping import Isolation, Lanes
from gonghai_engine.isolation.note import PluginVersion
from gonghai_engine.loading import (
    STANDARD,
    Loaded,
    PluginHealth,
    PluginSelection,
    load,
    load_candidates,
)
from gonghai_engine.settings import digest
from gonghai_engine.tenants import CompiledPlugin, IndustryPolicy, TenantPolicy
from gonghai_engine.verdicts import Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.metadata import EntryPoint
    from pathlib import Path

    from gonghai_engine.candidates import Candidate
    from gonghai_engine.decisions import DecisionRequest
    from gonghai_engine.isolation.lane import Lane
    from gonghai_engine.tenants import Resolved
    from gonghai_plugin.plugin import Plugin

_AT_A_TIME: Final = 128
_NO_SETTINGS: Final = Binding(STANDARD, {})
_NONE: Final = Loaded({}, ())


class Engine:
    """Decides for every tenant of a service. Not to be used by two threads at once."""

    def __init__(
        self,
        plugins: Mapping[str, Plugin],
        health: Sequence[PluginHealth] = (),
        isolation: Isolation | None = None,
        *,
        candidates: Loaded = _NONE,
        folder: Path | None = None,
        tried: frozenset[str] | None = None,
    ) -> None:
        """Take plugins that were loaded and checked; `load` does both.

        Args:
            plugins: by name.
            health: how loading each of them went.
            isolation: how their own code is kept apart; None: it is not.
            candidates: versions that can be tried in place of them.
            folder: where the candidates are.
            tried: which of the plugins are candidates, so that their own code is run from there;
                None: this is no engine `with_candidates`.
        """
        self._plugins = dict(plugins)
        self._isolation = isolation
        self._candidates = candidates
        self._folder = folder
        self._tried = tried
        folders = {name: folder for name in tried or () if folder is not None}
        self._lanes = Lanes(self._plugins, isolation, folders)
        self._versions = {
            name: PluginVersion(name, plugin.version, name in folders)
            for name, plugin in self._plugins.items()
        }
        self._note = isolation.note if isolation is not None else None
        self._preparing = 0
        self._health = tuple(health)
        self._compiled: dict[tuple[str, str], CompiledPlugin] = {}
        self._tenants: dict[str, TenantPolicy] = {}
        self._default = PolicyDocument.parse(DEFAULT_TEXT)
        self._unknown: dict[str, TenantPolicy] = {}
        self.failed: Counter[str] = Counter()
        """How many decisions failed since the start, by plugin; not those of documents on trial."""
        self.failures: Counter[tuple[str, str, str]] = Counter()
        """The same by plugin, policy and cause."""

    @classmethod
    def load(
        cls,
        selection: PluginSelection = PluginSelection(),  # noqa: B008 - frozen
        found: Iterable[EntryPoint] | None = None,
        isolation: Isolation | None = None,
        candidates: Path | None = None,
    ) -> Engine:
        """Load the installed plugins (or ``found``). Never raises for a broken plugin.

        With ``isolation``, as services have it, code of a plugin's own runs in other processes.
        Plugins in the folder ``candidates`` are decided by where `with_candidates` asks for them.
        """
        note = isolation.note if isolation is not None else None
        loaded = load(selection, found, note)
        if candidates is not None:
            beside = load_candidates(candidates, selection, note)
        else:
            beside = _NONE
            if note is not None:
                # The next one to look in a folder begins anew, as when they were taken out of it.
                note.forget_others((), candidates=True)
        warm_up()
        return cls(loaded.plugins, loaded.health, isolation, candidates=beside, folder=candidates)

    def with_candidates(self, wanted: Iterable[Candidate]) -> Engine:
        """Return an engine of its own that has candidates in place of installed plugins.

        It knows no tenant, and counts its failures for itself. To be stopped.

        Raises UnknownCandidate where one is not in the folder, or did not load.
        """
        chosen: dict[str, Plugin] = {}
        for one in wanted:
            plugin = self._candidates.plugins.get(one.plugin)
            if plugin is None or plugin.version != one.version:
                raise UnknownCandidate(f"{one}: {self._why_no_candidate(one)}")
            chosen[one.plugin] = plugin
        return Engine(
            {**self._plugins, **chosen},
            self._health,
            self._isolation,
            folder=self._folder,
            tried=frozenset(chosen),
        )

    @property
    def candidates(self) -> tuple[PluginHealth, ...]:
        """Return how loading each candidate went."""
        return self._candidates.health

    def _why_no_candidate(self, wanted: Candidate) -> str:
        known = {item.name: item for item in self._candidates.health}
        found = known.get(wanted.plugin)
        if found is None:
            others = f" of that name, only {', '.join(sorted(known))}" if known else " at all"
            return f"there is no candidate{others}"
        return f"did not load: {found.error}" if not found.ok else f"it is {found.version} here"

    def health(self) -> tuple[PluginHealth, ...]:
        """Return how each plugin fares: how loading it went, and whether it is put aside."""
        return tuple(
            replace(item, ok=False, error=lane.problem)
            if item.ok and (lane := self._lanes.of(item.name)) is not None and lane.problem
            else item
            for item in self._health
        )

    @property
    def lanes(self) -> dict[str, Lane]:
        """Return where plugins are decided that are kept apart, by name."""
        return self._lanes.living()

    @property
    def trial_lanes(self) -> dict[str, Lane]:
        """Return where such plugins decide for documents on trial, by name."""
        return self._lanes.trials()

    @property
    def ready(self) -> bool:
        """Say whether every required plugin is there; one that is put aside for a while is."""
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

        The text is read, and the plugins are compiled, in a thread, an industry at a time. What a
        plugin's own code says of its settings is tried in the plugin's own process first.
        """
        document = await asyncio.to_thread(PolicyDocument.parse, text)
        self._preparing += 1
        try:
            found = [await self._prepare(document, *bound) for bound in document.bindings()]
        finally:
            self._preparing -= 1
        return _sound(document, found)

    def try_settings(self, binding: Binding) -> None:
        """Take a binding's settings for nothing, to see what a plugin's own code does at it.

        That they are refused is no error here. Raises whatever else the plugin's code raises.
        """
        with suppress(ValidationError, DeclarationError):
            self._compile(self._plugins[binding.plugin], binding)
        self._sweep()

    async def put_in_force(
        self,
        tenant: str,
        revision: int,
        document: PolicyDocument,
        *,
        instead: bool = False,
        trial: bool = False,
    ) -> bool:
        """Do as `activate` does, without keeping everybody else waiting while it is compiled.

        With ``instead`` it takes the place of whatever the tenant has, also of a later revision.
        With ``trial`` nobody lives by it: plugins that are kept apart decide for it in a process
        of its own kind, so that what tenants live by does not wait for it.
        """
        refused = {}
        self._preparing += 1
        try:
            for industry, field, binding in document.bindings():
                problems = await self._prepare(document, industry, field, binding)
                if problems:
                    refused[industry] = problems[0].message
        finally:
            self._preparing -= 1
        if instead:
            self._tenants.pop(tenant, None)
        return self._activate(tenant, revision, document, refused, trial=trial)

    def activate(self, tenant: str, revision: int, document: PolicyDocument) -> bool:
        """Put a document in force. False: the tenant is at this or a later revision already.

        A plugin that is missing here, or does not take the settings, makes its decisions fail on
        the safe side; it stops nothing else.
        """
        return self._activate(tenant, revision, document, {})

    def forget(self, tenant: str) -> None:
        """Drop a tenant's policies: it is as if none had ever been applied."""
        self._tenants.pop(tenant, None)
        self._unknown.pop(tenant, None)
        self._lanes.forget(tenant)
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
        if not self._lanes:
            return await self._decide_here(requests)
        apart: dict[tuple[str, bool], list[int]] = {}
        here: list[int] = []
        for place, request in enumerate(requests):
            whose = self._whose(request)
            if whose is None or self._lane(whose) is None:
                here.append(place)
            else:
                apart.setdefault(whose, []).append(place)
        if not apart:
            return await self._decide_here(requests)
        answers: dict[int, Decision | DecisionFailure] = {}

        async def decide(places: list[int], lane: Lane | None) -> None:
            asked = [requests[place] for place in places]
            made = await self._decide_at(lane, asked)
            answers.update(zip(places, made, strict=True))

        # Looked up again: a plugin may have been trusted since.
        await asyncio.gather(
            decide(here, None),
            *(decide(places, self._lane(whose)) for whose, places in apart.items()),
        )
        return [answers[place] for place in range(len(requests))]

    def decide_now(self, request: DecisionRequest) -> Decision | DecisionFailure:
        """Decide one request in this process, whatever it takes."""
        return self._decide(request)

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Decide, and return the truth of every rule and condition beside it."""
        whose = self._whose(request)
        lane = None if whose is None else self._lane(whose)
        if lane is not None:
            explained = await lane.explain(self.tenant(request.tenant), request)
            self._count(request, explained)
            return explained
        with self._at_work():
            return self.explain_now(request)

    def explain_now(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Explain in this process, whatever it takes."""
        decision = self._decide(request)
        if isinstance(decision, DecisionFailure):
            return decision
        resolved = self.tenant(request.tenant).industry(request.industry).resolved[request.policy]
        values = resolved.compiled.values(request.facts)
        tenant = self.tenant(request.tenant)
        resolved.compiled.decide(values, Moment(request.now, tenant.calendar))  # puts grades in
        return Explanation(decision, truths(resolved.compiled, resolved.owner.settings, values))

    async def stop(self) -> None:
        """End the processes of plugins, and free what the rule engine holds."""
        await self._lanes.stop()
        self.close()

    def close(self) -> None:
        """Free what the rule engine holds."""
        for compiled in self._compiled.values():
            compiled.close()
        self._compiled.clear()
        self._tenants.clear()
        self._unknown.clear()
        if self._note is not None and self._tried is None:
            self._note.close()  # else it is that of the engine whose candidates these are
        self._note = None

    def _whose(self, request: DecisionRequest) -> tuple[str, bool] | None:
        """Return the plugin that decides and whether it is on trial, None where none does."""
        tenant = self.tenant(request.tenant)
        resolved = tenant.industry(request.industry).resolved.get(request.policy)
        if resolved is None:
            return None
        return resolved.owner.plugin.name, tenant.trial

    def _lane(self, whose: tuple[str, bool]) -> Lane | None:
        """Return the lane of a plugin, on trial or not; None where this process decides."""
        plugin, trial = whose
        self._lanes.trust(plugin)
        return self._lanes.of(plugin, trial=trial)

    async def _decide_at(
        self, lane: Lane | None, requests: Sequence[DecisionRequest]
    ) -> list[Decision | DecisionFailure]:
        if lane is None:
            return await self._decide_here(requests)
        tenants = {request.tenant: self.tenant(request.tenant) for request in requests}
        answers = await lane.decide(tenants, requests)
        for request, answer in zip(requests, answers, strict=True):
            self._count(request, answer)
        return answers

    async def _decide_here(
        self, requests: Sequence[DecisionRequest]
    ) -> list[Decision | DecisionFailure]:
        results: list[Decision | DecisionFailure] = []
        for start in range(0, len(requests), _AT_A_TIME):
            if start:
                await asyncio.sleep(0)  # a large batch must not keep everybody else waiting
            with self._at_work():
                results += [
                    self._decide(request) for request in requests[start : start + _AT_A_TIME]
                ]
        return results

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Decide in this process under the note's alarm, and leave no note behind."""
        if self._note is None:
            yield
            return
        self._note.begin()
        try:
            yield
        finally:
            self._note.end()

    def _count(
        self, request: DecisionRequest, answer: Decision | Explanation | DecisionFailure
    ) -> None:
        """Count a failure; nobody lives by what a document on trial decides."""
        if isinstance(answer, DecisionFailure) and not self.tenant(request.tenant).trial:
            self.failed[answer.plugin] += 1
            self.failures[answer.plugin, str(answer.policy), answer.cause] += 1

    def _decide(self, request: DecisionRequest) -> Decision | DecisionFailure:
        decided = self._attempt(request)
        self._count(request, decided)
        return decided

    def _attempt(self, request: DecisionRequest) -> Decision | DecisionFailure:
        tenant = self._tenants.get(request.tenant) or self.tenant(request.tenant)
        industry = tenant.industry(request.industry)
        resolved = industry.resolved.get(request.policy)
        if resolved is None:
            message = industry.failure or f"no plugin decides {request.policy}"
            # What the industry's plugin leaves to the standard one is not missing from it.
            lacking = industry.plugin if industry.missing else STANDARD
            return _failure(request, FailureCause.MISSING_PLUGIN, message, lacking, tenant.revision)
        if self._note is not None:
            self._note.at(self._versions[resolved.owner.plugin.name])
        try:
            return _made(request, resolved, tenant)
        except FactError as error:
            cause, message = FailureCause.BAD_FACTS, str(error)
        except EngineError as error:
            cause, message = FailureCause.ENGINE_ERROR, str(error)
        except Exception as error:  # noqa: BLE001 - whatever a plugin's declarations lead to
            cause = FailureCause.POLICY_ERROR
            message = f"{type(error).__name__}: {error}"
        return _failure(request, cause, message, resolved.owner.plugin.name, tenant.revision)

    async def _prepare(
        self, document: PolicyDocument, industry: str, field: str, binding: Binding
    ) -> list[Problem]:
        """Compile what a binding needs, aside. Return what is wrong with it."""
        why = await self._lanes.check(binding)
        if why:
            return [document.problem(f"{field}.settings", f"the plugin can't check them: {why}")]
        return await asyncio.to_thread(self._problems, document, industry, field, binding)

    def _activate(
        self,
        tenant: str,
        revision: int,
        document: PolicyDocument,
        refused: Mapping[str, str],
        *,
        trial: bool = False,
    ) -> bool:
        current = self._tenants.get(tenant)
        if current is not None and current.revision >= revision:
            return False
        self._tenants[tenant] = self._resolve(tenant, revision, document, refused, trial=trial)
        self._sweep()
        return True

    def _problems(
        self, document: PolicyDocument, _: str, field: str, binding: Binding
    ) -> list[Problem]:
        plugin = self._plugins.get(binding.plugin)
        if plugin is None:
            return [document.problem(f"{field}.plugin", self._why_missing(document, binding))]
        try:
            self._compile(plugin, binding)
        except ValidationError as error:
            return list(problems_of(error, (*field.split("."), "settings"), document.lines))
        except DeclarationError as error:
            path = f"{field}.settings"
            path += f".{error.setting}" if error.setting else ""
            return [document.problem(path, str(error))]
        return []

    def _resolve(
        self,
        tenant: str,
        revision: int,
        document: PolicyDocument,
        refused: Mapping[str, str] = MappingProxyType({}),
        *,
        trial: bool = False,
    ) -> TenantPolicy:
        industries = {
            industry: IndustryPolicy(industry, binding.plugin, None, None, refused[industry])
            if industry in refused
            else self._bind(industry, binding, document)
            for industry, _, binding in document.bindings()
        }
        default = industries.pop("")
        return TenantPolicy(tenant, revision, document, default, industries, trial=trial)

    def _bind(self, industry: str, binding: Binding, document: PolicyDocument) -> IndustryPolicy:
        plugin = self._plugins.get(binding.plugin)
        if plugin is None:
            why = self._why_missing(document, binding)
            return IndustryPolicy(industry, binding.plugin, None, None, why)
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
        found = self._compiled.get(key)
        # Two threads may make the same: the first that is done is everybody's.
        return found or self._compiled.setdefault(key, CompiledPlugin.of(plugin, settings))

    def _why_missing(self, document: PolicyDocument, binding: Binding) -> str:
        if document.unreadable:
            return f"this release can't read the document: {document.unreadable}"
        for item in self._health:
            if item.name == binding.plugin:
                return f"the plugin {binding.plugin!r} did not load: {item.error}"
        return f"there is no plugin {binding.plugin!r}"

    def _sweep(self) -> None:
        """Free compiled plugins that no tenant has any more, unless some are made for one now."""
        if self._preparing:
            return
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
    return resolved.decision(request, tenant, verdict, values)


def _failure(
    request: DecisionRequest, cause: FailureCause, message: str, plugin: str, revision: int
) -> DecisionFailure:
    return DecisionFailure(
        request.subject, request.policy, cause, message, plugin, revision, request.now
    )
