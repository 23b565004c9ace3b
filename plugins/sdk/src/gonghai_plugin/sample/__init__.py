"""What a plugin's sample is made of, and the parts that every sample needs.

A sample is a made-up business with a year behind it and a script of what happens next. A plugin
offers one by an entry point in the group ``gonghai.samples``, named as the plugin. It points to a
function ``(*, seed, start, customers)`` that returns a `SampleData`, the same one for the same
arguments, always; `opens` says on which day of a year it is best begun. Nothing here is needed to
decide anything.
"""

from gonghai_plugin.sample.model import (
    ClaimBack,
    Claims,
    Contact,
    Customer,
    Event,
    Feedback,
    FollowUp,
    Interest,
    Line,
    Pool,
    Purchase,
    Region,
    Rep,
    Return,
    SampleData,
    Team,
)
from gonghai_plugin.sample.opening import Opening, opens

__all__ = [
    "ClaimBack",
    "Claims",
    "Contact",
    "Customer",
    "Event",
    "Feedback",
    "FollowUp",
    "Interest",
    "Line",
    "Opening",
    "Pool",
    "Purchase",
    "Region",
    "Rep",
    "Return",
    "SampleData",
    "Team",
    "opens",
]
