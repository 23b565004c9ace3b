"""Run the pool service: `python -m gonghai_pool`."""

from gonghai_chassis.server import main
from gonghai_pool.service import assemble
from gonghai_pool.settings import PoolSettings

if __name__ == "__main__":
    raise SystemExit(main("pool", assemble, PoolSettings))
