"""The store layer: partitions, scripts, group commit, records, and the time of the store."""

from gonghai_chassis.store import records
from gonghai_chassis.store.partitions import CommonKeys, Partition, partition_index
from gonghai_chassis.store.scripts import Script
from gonghai_chassis.store.settings import StoreSettings
from gonghai_chassis.store.store import Read, Reply, Store

__all__ = [
    "CommonKeys",
    "Partition",
    "Read",
    "Reply",
    "Script",
    "Store",
    "StoreSettings",
    "partition_index",
    "records",
]
