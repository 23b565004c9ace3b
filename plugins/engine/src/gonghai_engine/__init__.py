"""Loads industry plugins, compiles their rules, decides and explains.

Pure: no I/O (but for reading the installed plugins at start), no clock, no randomness.
"""

from gonghai_engine.attributes import AttributeProblem, AttributeSchema
from gonghai_engine.decisions import Decision, DecisionFailure, DecisionRequest, FailureCause
from gonghai_engine.describe import PluginDescription
from gonghai_engine.document import PolicyDocument, PolicyDocumentError, Problem
from gonghai_engine.engine import Engine
from gonghai_engine.explain import ConditionTruth, Explanation, RuleTruth
from gonghai_engine.loading import PluginHealth, PluginSelection
from gonghai_engine.often import Often
from gonghai_engine.outcomes import (
    Admission,
    Cadence,
    Claimed,
    ClaimLimits,
    ClaimVerdict,
    Clock,
    Collisions,
    Commission,
    Heir,
    Heirs,
    Needs,
    Qualification,
    ReclaimPlan,
    Refusal,
    RiskSignal,
    RiskSignals,
    Stage,
    StopClock,
    Tier,
    Weights,
)
from gonghai_engine.sentences import Sentence
from gonghai_engine.tenants import IndustryPolicy, TenantPolicy, TierStep
from gonghai_plugin.policies import Policy
from gonghai_plugin.texts import Text

__all__ = [
    "Admission",
    "AttributeProblem",
    "AttributeSchema",
    "Cadence",
    "ClaimLimits",
    "ClaimVerdict",
    "Claimed",
    "Clock",
    "Collisions",
    "Commission",
    "ConditionTruth",
    "Decision",
    "DecisionFailure",
    "DecisionRequest",
    "Engine",
    "Explanation",
    "FailureCause",
    "Heir",
    "Heirs",
    "IndustryPolicy",
    "Needs",
    "Often",
    "PluginDescription",
    "PluginHealth",
    "PluginSelection",
    "Policy",
    "PolicyDocument",
    "PolicyDocumentError",
    "Problem",
    "Qualification",
    "ReclaimPlan",
    "Refusal",
    "RiskSignal",
    "RiskSignals",
    "RuleTruth",
    "Sentence",
    "Stage",
    "StopClock",
    "TenantPolicy",
    "Text",
    "Tier",
    "TierStep",
    "Weights",
]
