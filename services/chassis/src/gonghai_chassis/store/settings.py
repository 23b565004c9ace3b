"""Settings of the connection to the store."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StoreSettings(BaseModel):
    """Where the store is and how it is used; nested in the settings of a service.

    Attributes:
        url: `redis://`, `rediss://` or `unix://` for one server; `sentinel://host:port,host:port/
            service-name/db` (also `sentinels://` with TLS) for a primary behind Sentinel;
            `cluster://host:port,host:port` (also `clusters://`) for a Cluster. User and password
            stand before the first host, as in `redis://user:password@host`.
        partitions: number of partitions. Fixed when the store is installed, checked at start.
        wait_replicas: how many replicas must confirm a write before it is acknowledged; 0 does not
            wait. A fail-over keeps what was confirmed when the promoted replica is one that did: so
            all of them, or leave it to the promotion to find the most advanced.
        wait_timeout: seconds to wait for those replicas; a write they did not confirm in time has
            an unknown outcome.
        default_deadline: seconds that a command without a deadline may take.
        socket_timeout: seconds without an answer after which a connection is given up.
        connect_timeout: seconds to wait for a connection.
        batch: most commands that go to the store in one round trip.
        pipelines: most round trips under way at the same time for one lane (a server, or a
            partition of a Cluster).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = "redis://127.0.0.1:6379/0"
    partitions: int = Field(default=64, ge=1, le=4096)
    wait_replicas: int = Field(default=0, ge=0)
    wait_timeout: float = Field(default=1.0, gt=0)
    default_deadline: float = Field(default=5.0, gt=0)
    socket_timeout: float = Field(default=5.0, gt=0)
    connect_timeout: float = Field(default=2.0, gt=0)
    batch: int = Field(default=256, ge=1)
    pipelines: int = Field(default=2, ge=1)
