"""What an integrator imports to write an industry plugin: hooks, facts, rules, outcomes.

Declarations only. A plugin is a distribution with an entry point in the group ``gonghai``; see
`gonghai_plugin.plugin.Plugin` for what it hands over, and `gonghai_plugin.host_facts` for the
facts that its rules can name.
"""

from gonghai_plugin import host_facts, outcomes, workflows
from gonghai_plugin.attributes import Attribute
from gonghai_plugin.conditions import ALWAYS, Condition, Operator, all_, any_, not_
from gonghai_plugin.facts import (
    BOOL,
    DURATION,
    INSTANT,
    INT64,
    TEXT,
    TEXT_SET,
    Fact,
    FactType,
    Kind,
    Setting,
    Unit,
    computed,
    decimal,
    derived,
    first_known,
    largest,
    pick,
    ratio,
    set_of,
    setting,
    smallest,
    text_of,
    when,
)
from gonghai_plugin.hookspecs import hookimpl
from gonghai_plugin.often import Often
from gonghai_plugin.plugin import Plugin, Registry, Settings
from gonghai_plugin.policies import Policy
from gonghai_plugin.rules import Rule, all_hits, first_hit, otherwise
from gonghai_plugin.texts import Text
from gonghai_plugin.upline import Upline
from gonghai_plugin.versions import SDK_VERSION

__all__ = [
    "ALWAYS",
    "BOOL",
    "DURATION",
    "INSTANT",
    "INT64",
    "SDK_VERSION",
    "TEXT",
    "TEXT_SET",
    "Attribute",
    "Condition",
    "Fact",
    "FactType",
    "Kind",
    "Often",
    "Operator",
    "Plugin",
    "Policy",
    "Registry",
    "Rule",
    "Setting",
    "Settings",
    "Text",
    "Unit",
    "Upline",
    "all_",
    "all_hits",
    "any_",
    "computed",
    "decimal",
    "derived",
    "first_hit",
    "first_known",
    "hookimpl",
    "host_facts",
    "largest",
    "not_",
    "otherwise",
    "outcomes",
    "pick",
    "ratio",
    "set_of",
    "setting",
    "smallest",
    "text_of",
    "when",
    "workflows",
]
