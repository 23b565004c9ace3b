"""`PoolService`: what is not in one of its parts is in the contract and not built yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_pool.servicers.custody import CustodyRpcs
from gonghai_pool.servicers.extensions import ExtensionRpcs
from gonghai_pool.servicers.look_up import LookUpRpcs
from gonghai_pool.servicers.pools import PoolRpcs
from gonghai_pool.servicers.simulation import SimulationRpcs

if TYPE_CHECKING:
    from gonghai_chassis.watching import WatchServer
    from gonghai_pool.commands.assign import AssignCustomer
    from gonghai_pool.commands.cancel_reservation import CancelReservation
    from gonghai_pool.commands.claim import ClaimCustomer
    from gonghai_pool.commands.explain import ExplainCustody
    from gonghai_pool.commands.extensions import Extensions
    from gonghai_pool.commands.limits import TenantLimits
    from gonghai_pool.commands.look_up import LookUp
    from gonghai_pool.commands.pools import Pools
    from gonghai_pool.commands.release import ReleaseCustomer
    from gonghai_pool.commands.reserve import ReserveCustody
    from gonghai_pool.commands.transfer import TransferCustomer
    from gonghai_pool.simulation.forecast import Forecast


@dataclass(frozen=True, slots=True)
class Commands:
    """Everything that the service can do."""

    claim: ClaimCustomer
    assign: AssignCustomer
    transfer: TransferCustomer
    release: ReleaseCustomer
    reserve: ReserveCustody
    cancel_reservation: CancelReservation
    look_up: LookUp
    explain: ExplainCustody
    pools: Pools
    limits: TenantLimits
    extensions: Extensions


class PoolServicer(PoolRpcs, CustodyRpcs, ExtensionRpcs, LookUpRpcs, SimulationRpcs):
    """Hands each call to its command."""

    def __init__(self, commands: Commands, watching: WatchServer, forecast: Forecast) -> None:
        """Take the commands, what serves the stream of events, and what simulates."""
        self._claim = commands.claim
        self._assign = commands.assign
        self._transfer = commands.transfer
        self._release = commands.release
        self._reserve = commands.reserve
        self._cancel = commands.cancel_reservation
        self._look_up = commands.look_up
        self._explain = commands.explain
        self._pools = commands.pools
        self._limits = commands.limits
        self._extensions = commands.extensions
        self._watching = watching
        self._forecast = forecast
