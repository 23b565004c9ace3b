"""What tests of the services and of the chassis itself share."""

from gonghai_chassis.testing.eventually import eventually

__all__ = ["eventually"]
