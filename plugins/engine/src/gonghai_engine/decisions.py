"""A decision asked for, and its record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from gonghai_engine import records
from gonghai_engine.outcomes import Tier
from gonghai_engine.sentences import Sentence
from gonghai_plugin.policies import Policy
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_engine.outcomes import Outcome

FactValue: TypeAlias = "bool | int | str | frozenset[str] | None"
"""A fact's value inside the engine; a decimal is its scaled integer."""

_SCHEMA: Final = 2
"""1 had every sentence filled in; it is read as well."""


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """One decision to make. ``facts`` may hold more than is needed; what lacks is missing.

    Sets may come as any collection of texts. ``now`` is the instant of the decision; rules never
    see it, only the day counts made from it. ``subject`` is the caller's own name for it.
    """

    tenant: str
    industry: str
    policy: Policy
    facts: Mapping[str, object]
    now: int
    subject: str = ""


class Decision(NamedTuple):
    """What was decided, by which rule of which policy, and why.

    ``facts`` are those the rules of the policy name. ``also`` lists the further rules that hold,
    where a policy collects them. Sentences are filled in when they are read: most never are.
    """

    subject: str
    policy: Policy
    rule: str
    outcome: Outcome
    said: Sentence
    also_said: tuple[tuple[str, Sentence], ...]
    plugin: str
    plugin_version: str
    revision: int
    settings_digest: str
    facts: Mapping[str, FactValue]
    at: int

    @property
    def reason(self) -> Text:
        """Return why, figures filled in."""
        return self.said.text

    @property
    def also(self) -> tuple[tuple[str, Text], ...]:
        """Return the further rules that hold, and why each does."""
        return tuple((rule, sentence.text) for rule, sentence in self.also_said)

    @property
    def order(self) -> tuple[int, tuple[int, ...]]:
        """Return what decides which of two records is newer: (revision, plugin version)."""
        parts = (part for part in self.plugin_version.replace("-", ".").split("."))
        return self.revision, tuple(int(part) for part in parts if part.isdigit())

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data for the store (msgpack, JSON)."""
        return {
            "v": _SCHEMA,
            "s": self.subject,
            "p": str(self.policy),
            "r": self.rule,
            # A customer's own lifetime value is in few outcomes twice.
            "o": records.pack(self.outcome) if _is_own(self.outcome) else _packed(self.outcome),
            "w": self.said.to_record(),
            "a": [[rule, *sentence.to_record()] for rule, sentence in self.also_said],
            "g": self.plugin,
            "n": self.plugin_version,
            "e": self.revision,
            "d": self.settings_digest,
            "f": {
                name: value if type(value) is not frozenset else sorted(value)
                for name, value in self.facts.items()
            },
            "t": self.at,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Decision:
        """Read what `to_record` made. Raises ValueError for a record of a newer schema."""
        if record["v"] > _SCHEMA:
            raise ValueError(f"decision record of schema {record['v']}, this reads {_SCHEMA}")
        return cls(
            subject=record["s"],
            policy=Policy(record["p"]),
            rule=record["r"],
            outcome=records.unpack(record["o"]),
            said=Sentence.from_record(record["w"]),
            also_said=tuple((rule, Sentence.from_record(rest)) for rule, *rest in record["a"]),
            plugin=record["g"],
            plugin_version=record["n"],
            revision=record["e"],
            settings_digest=record["d"],
            facts={
                name: frozenset(value) if isinstance(value, (list, tuple)) else value
                for name, value in record["f"].items()
            },
            at=record["t"],
        )


def _is_own(outcome: Outcome) -> bool:
    return type(outcome) is Tier and outcome.lifetime_value is not None


@lru_cache(maxsize=4096)
def _packed(outcome: Outcome) -> Any:  # noqa: ANN401 - plain data
    """Pack an outcome once: a rule gives the same one to many subjects. Not to be changed."""
    return records.pack(outcome)


class FailureCause(StrEnum):
    """Why a decision could not be made, as health, metrics and logs name it."""

    MISSING_PLUGIN = "missing_plugin"
    """The plugin is not there, did not load, or does not take the document's settings."""
    BAD_FACTS = "bad_facts"
    """A fact breaks its declaration."""
    POLICY_ERROR = "policy_error"
    """Something that the plugin declares raised."""
    ENGINE_ERROR = "engine_error"
    """The rule engine refused."""
    PLUGIN_HUNG = "plugin_hung"
    """The plugin's own code took too long in its process, which was ended."""
    PLUGIN_CRASHED = "plugin_crashed"
    """The plugin's process ended, or answered nonsense."""
    PLUGIN_ASIDE = "plugin_aside"
    """The plugin is put aside for the tenant: it hung or crashed too often just now."""
    PLUGIN_BUSY = "plugin_busy"
    """The plugin's process was at work for others for too long, or was stopped with the service or
    the trial that it decided for."""


@dataclass(frozen=True, slots=True)
class DecisionFailure:
    """A decision that could not be made; the caller stays on the safe side of its policy.

    ``message`` is for operators (English, no personal data).
    """

    subject: str
    policy: Policy
    cause: FailureCause
    message: str
    plugin: str
    revision: int
    at: int

    @property
    def because(self) -> Text:
        """Return what failed, for a person: the message, with the cause before it in Chinese."""
        return Text(self.message, f"{_IN_CHINESE[self.cause]}（{self.message}）")


_IN_CHINESE: Final = {
    FailureCause.MISSING_PLUGIN: "插件缺失或未能加载",
    FailureCause.BAD_FACTS: "事实数据不符合声明",
    FailureCause.POLICY_ERROR: "插件规则出错",
    FailureCause.ENGINE_ERROR: "规则引擎出错",
    FailureCause.PLUGIN_HUNG: "插件运行超时",
    FailureCause.PLUGIN_CRASHED: "插件进程崩溃",
    FailureCause.PLUGIN_ASIDE: "插件已被暂时停用",
    FailureCause.PLUGIN_BUSY: "插件繁忙",
}
