"""What can be wrong with a plugin's declarations, a tenant's settings, or facts."""

from __future__ import annotations


class DeclarationError(ValueError):
    """A declaration of a plugin does not hold; the message names the policy and the rule.

    ``setting`` is the path of the setting that caused it, "" when the plugin alone did.
    """

    def __init__(self, where: str, message: str, setting: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where
        self.message = message
        self.setting = setting

    def inside(self, where: str) -> DeclarationError:
        """Return the same error, told from further outside."""
        return DeclarationError(
            f"{where}, {self.where}" if self.where else where, self.message, self.setting
        )


class FactError(ValueError):
    """A fact's value does not fit its declared type."""

    def __init__(self, fact: str, message: str) -> None:
        super().__init__(f"fact {fact!r} {message}")
        self.fact = fact
        self.message = f"it {message}"


class FunctionError(RuntimeError):
    """A function of a plugin raised, or gave something that is no whole number."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")


class EngineError(RuntimeError):
    """The rule engine underneath did not give a proper answer."""


class TookTooLong(BaseException):
    """A plugin was at work for longer than it may. No plain `except Exception` stops it."""

    def __init__(self) -> None:
        super().__init__("it took too long, and was stopped")
