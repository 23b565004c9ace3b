"""Customers of two levels: the second linked to its sponsor (上级), no deeper and no loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_plugin.attributes import Attribute


@dataclass(frozen=True, slots=True)
class Upline:
    """Which attribute names a customer's sponsor, by the id of another customer of the tenant.

    The attribute is a text. The archive refuses a value that names no customer, or the customer
    itself, or one that has a sponsor, and one given to a customer that sponsors others. The facts
    ``downline_…`` of `gonghai_plugin.host_facts` are what the second level of a sponsor adds up to.
    """

    attribute: Attribute
