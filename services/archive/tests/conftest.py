"""The archive's tests run on a real store."""

pytest_plugins = ["gonghai_chassis.testing.plugin"]
