"""Who may call what: the one table of method × role.

Each RPC of each service has a row, and a test walks the descriptors to see that none is missing. A
grant says how far it reaches (`Reach`): the door checks the tenant, the servicer whether a rep acts
for himself (`RequestContext.require_rep`), whether a team is the manager's, and what to mask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gonghai_chassis.principals import Reach, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        grants: How far each role reaches; a role that is missing may not call the method.
        public: Anybody may call it, without credentials.
        tenantless: Its request names no tenant.
    """

    grants: Mapping[Role, Reach] = field(default_factory=dict)
    public: bool = False
    tenantless: bool = False

    def reach(self, roles: Iterable[Role]) -> Reach:
        """Return how far the widest grant of these roles goes."""
        if self.public:
            return Reach.ALL
        reach = Reach.NONE
        for role in roles:
            granted = self.grants.get(role, Reach.NONE)
            reach = max(reach, granted)
        return reach


def _rule(reaches: Mapping[Role, Reach], *, tenantless: bool = False) -> Rule:
    """Grant what is said, to admins their tenant, and everything to our own services."""
    grants = {Role.ADMIN: Reach.TENANT, Role.SERVICE: Reach.ALL, **reaches}
    return Rule(MappingProxyType(grants), tenantless=tenantless)


_PERSONS: Final = {Role.REP: Reach.OWN, Role.PARTNER: Reach.OWN, Role.MANAGER: Reach.TEAM}

PUBLIC: Final = Rule(public=True, tenantless=True)
"""Health and reflection: probes and tools come without credentials."""

OPERATE: Final = _rule({}, tenantless=True)
"""The installation itself (dev's clock)."""

INTERNAL: Final = Rule(MappingProxyType({Role.SERVICE: Reach.ALL}))
"""One service to another."""

MAINTAIN: Final = Rule(MappingProxyType({Role.SERVICE: Reach.ALL}), tenantless=True)
"""Looking after whole partitions, with all the tenants in them."""

ADMINISTER: Final = _rule({})
"""The tenant's own set-up."""

INTEGRATE: Final = _rule({Role.INTEGRATOR: Reach.TENANT})
"""What back ends and integrators do: policies, imports, following the changes."""

MANAGE: Final = _rule({Role.MANAGER: Reach.TEAM})
"""What a manager decides for his teams and pools."""

OVERSEE: Final = _rule(
    {Role.READER: Reach.TENANT, Role.MANAGER: Reach.TEAM, Role.INTEGRATOR: Reach.TENANT}
)
"""What managers and readers look at, and single reps do not."""

WEIGH: Final = _rule({Role.MANAGER: Reach.TEAM, Role.INTEGRATOR: Reach.TENANT})
"""Weighing reps against each other: who held a customer and how much each holds shows in the order
alone, so that readers, who are to learn neither, do not."""

WORK: Final = _rule(_PERSONS)
"""What a rep does for himself, and a manager for his teams. A back end does it on his behalf."""

RECORD: Final = _rule({**_PERSONS, Role.INTEGRATOR: Reach.TENANT})
"""Bringing in what is known and what happened: reps theirs, back ends everything."""

READ: Final = _rule({**_PERSONS, Role.READER: Reach.TENANT, Role.INTEGRATOR: Reach.TENANT})
"""Reading, masked where the reach does not cover the customer."""

LOOK_UP: Final = _rule(
    {
        Role.READER: Reach.TENANT,
        Role.REP: Reach.TENANT,
        Role.PARTNER: Reach.OWN,
        Role.MANAGER: Reach.TENANT,
        Role.INTEGRATOR: Reach.TENANT,
    }
)
"""What everybody in the tenant may know: regions, teams, colleagues."""

HEALTH_OF_PLUGINS: Final = _rule(
    {Role.INTEGRATOR: Reach.TENANT, Role.MANAGER: Reach.TENANT, Role.READER: Reach.TENANT},
    tenantless=True,
)
"""Which plugins are loaded: the same for all tenants."""


def _rows(service: str, **rows: Rule) -> dict[str, Rule]:
    return {f"/{service}/{method}": rule for method, rule in rows.items()}


_ARCHIVE: Final = _rows(
    "gonghai.archive.v1.ArchiveService",
    CreateCustomer=RECORD,
    GetCustomer=READ,
    BatchGetCustomers=READ,
    UpdateCustomer=RECORD,
    ListCustomers=READ,
    DeleteCustomer=MANAGE,
    UndeleteCustomer=MANAGE,
    CheckDuplicates=RECORD,
    MergeCustomers=MANAGE,
    UnmergeCustomers=MANAGE,
    EraseCustomer=ADMINISTER,
    RecordPurchase=RECORD,
    RecordFollowUp=RECORD,
    RecordActivity=RECORD,
    BatchRecordActivities=RECORD,
    IngestActivities=INTEGRATE,
    ListActivities=READ,
    GetCommissionStatement=READ,
    ListCommissionStatements=READ,
    GetCustomerScorecard=READ,
    ListCollisions=OVERSEE,
    ReparentCustomers=INTEGRATE,
    ListDueFollowUps=READ,
    ImportCustomers=INTEGRATE,
    ExportCustomers=INTEGRATE,
    ListHistory=OVERSEE,
    RevealFields=WORK,
    EvaluateCustomer=RECORD,
    SimulateCourse=INTERNAL,
    Watch=INTEGRATE,
    ExportSnapshot=INTEGRATE,
)

_POOL: Final = _rows(
    "gonghai.pool.v1.PoolService",
    CreatePool=ADMINISTER,
    GetPool=READ,
    UpdatePool=ADMINISTER,
    ListPools=READ,
    DeletePool=ADMINISTER,
    AddPoolMembers=MANAGE,
    RemovePoolMembers=MANAGE,
    GetLimits=LOOK_UP,
    UpdateLimits=ADMINISTER,
    ListPoolCustomers=READ,
    GetCustody=READ,
    ClaimCustomer=WORK,
    BatchClaimCustomers=WORK,
    AssignCustomer=MANAGE,
    BatchAssignCustomers=MANAGE,
    TransferCustomer=WORK,
    ReleaseCustomer=WORK,
    Handover=MANAGE,
    LockCustomer=MANAGE,
    UnlockCustomer=MANAGE,
    RequestExtension=WORK,
    ApproveExtension=MANAGE,
    DenyExtension=MANAGE,
    AddCollaborator=WORK,
    RemoveCollaborator=WORK,
    ListHoldings=READ,
    GetQuota=READ,
    ExplainCustody=READ,
    ListCustodyHistory=READ,
    ReserveCustody=INTERNAL,
    ConfirmReservation=INTERNAL,
    CancelReservation=INTERNAL,
    SimulateReclaims=INTEGRATE,
    RunReclaim=MANAGE,
    ResumeReclaim=MANAGE,
    RevertReclaim=MANAGE,
    RaiseDispute=WORK,
    ResolveDispute=MANAGE,
    MergeCustody=INTERNAL,
    UnmergeCustody=INTERNAL,
    RemapRegions=ADMINISTER,
    GetPoolHealth=OVERSEE,
    Watch=INTEGRATE,
    ExportSnapshot=INTEGRATE,
)

_ASSIGNMENT: Final = _rows(
    "gonghai.assignment.v1.AssignmentService",
    CreateRegion=ADMINISTER,
    GetRegion=LOOK_UP,
    UpdateRegion=ADMINISTER,
    ListRegions=LOOK_UP,
    CreateTeam=ADMINISTER,
    GetTeam=LOOK_UP,
    UpdateTeam=MANAGE,
    ListTeams=LOOK_UP,
    CreateRep=ADMINISTER,
    GetRep=LOOK_UP,
    UpdateRep=WORK,
    ListReps=LOOK_UP,
    SuggestReps=WEIGH,
    SuggestCustomers=READ,
    RouteCustomer=MANAGE,
    ExplainAssignment=READ,
    ListParked=OVERSEE,
    CreatePlan=MANAGE,
    GetPlan=OVERSEE,
    ListPlannedAssignments=OVERSEE,
    ApplyPlan=MANAGE,
    CancelPlan=MANAGE,
    AcceptOffer=WORK,
    DeclineOffer=WORK,
    GetScorecard=READ,
    SimulateRouting=INTERNAL,
    Watch=INTEGRATE,
    ExportSnapshot=INTEGRATE,
)

_POLICY: Final = _rows(
    "gonghai.policy.v1.PolicyService",
    ListPolicies=LOOK_UP,
    GetPolicy=LOOK_UP,
    Evaluate=OVERSEE,
    Simulate=INTEGRATE,
    GetPluginHealth=HEALTH_OF_PLUGINS,
    ApplyPolicy=INTEGRATE,
    ListRevisions=OVERSEE,
    GetPolicyRevision=OVERSEE,
    ComparePolicy=OVERSEE,
)

_CLOCK: Final = _rows(
    "gonghai.dev.v1.ClockService",
    GetClock=OPERATE,
    SetClock=OPERATE,
    AdvanceClock=OPERATE,
    AwaitQuiet=OPERATE,
    GetWork=OPERATE,
)

_UPKEEP: Final = _rows(
    "gonghai.upkeep.v1.UpkeepService",
    GetCondition=MAINTAIN,
    ListQuarantinedEvents=ADMINISTER,
    RetryQuarantinedEvents=ADMINISTER,
    CompareProjection=MAINTAIN,
    RebuildProjection=MAINTAIN,
    AuditRecords=MAINTAIN,
)

_DOOR: Final = {
    "/grpc.health.v1.Health/Check": PUBLIC,
    "/grpc.health.v1.Health/Watch": PUBLIC,
    "/grpc.health.v1.Health/List": PUBLIC,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": PUBLIC,
}

TABLE: Final[Mapping[str, Rule]] = MappingProxyType(
    {**_ARCHIVE, **_POOL, **_ASSIGNMENT, **_POLICY, **_CLOCK, **_UPKEEP, **_DOOR}
)
"""The row of every method, by its full name."""
