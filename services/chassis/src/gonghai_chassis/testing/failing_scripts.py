"""Making a script fail at each of its reads, to see that it leaves nothing behind.

Redis does not take back what a script did before it failed. So a script reads first and writes
last, and this proves it: its reads are replaced by an error, one after the other.
"""

from __future__ import annotations

import copy
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from gonghai_chassis.store.failures import ScriptFailed
from gonghai_chassis.store.scripts import WRITES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_chassis.store import Partition, Script, Store

_MOST = 10_000

_PREAMBLE = """\
local server, read_count, reading = redis, 0, true
local redis = setmetatable({{call = function(...)
  if reading then
    read_count = read_count + 1
    if read_count == {at} then error('made to fail') end
  end
  return server.call(...)
end}}, {{__index = server}})
"""


def failing_at(script: Script, at: int) -> Script:
    """The script with an error in place of its read number `at`, from 1."""
    shebang, _, body = script.text.partition("\n")
    body = body.replace(f"\n{WRITES}\n", "\nreading = false\n")
    variant = copy.copy(script)
    variant.text = f"{shebang}\n{_PREAMBLE.format(at=at)}{body}"
    variant.sha = sha1(variant.text.encode(), usedforsecurity=False).hexdigest()
    return variant


async def contents(store: Store) -> dict[bytes, bytes]:
    """Everything that the server holds, as it would dump it; for small test stores."""
    found: dict[bytes, bytes] = {}
    for client in dict.fromkeys(store.client(partition) for partition in store.partitions):
        async for key in client.scan_iter(count=1000):
            dumped = await client.dump(key)
            if dumped is not None:
                found[key] = dumped
    return found


async def run_failing_at_each_read(
    store: Store,
    script: Script,
    partition: Partition,
    *,
    keys: Mapping[str, str | Sequence[str]],
    args: Mapping[str, Any],
    ends: str = "ok",
) -> int:
    """Runs the script with an error at each read in turn, then once as it is meant to run.

    Args:
        store: where.
        script: what.
        partition: where its keys live.
        keys: by name as in its header.
        args: by name as in its header.
        ends: the status in which it must end at last. One that refuses may leave reads out.

    Returns:
        At how many reads it was made to fail.

    Raises:
        AssertionError: a failed run changed something, or the last one ended otherwise.
    """
    before = await contents(store)
    for at in range(1, _MOST):
        try:
            reply = await store.run(failing_at(script, at), partition, keys=keys, args=args)
        except ScriptFailed:
            after = await contents(store)
            if after != before:
                changed = sorted(
                    key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
                )
                raise AssertionError(
                    f"{script.name} failed at read {at} and changed {changed}."
                ) from None
        else:
            if reply.status != ends:
                raise AssertionError(f"{script.name} ended in {reply.status!r}, not in {ends!r}.")
            return at - 1
    raise AssertionError(f"{script.name} never came to its end.")
