"""Keeps what a plugin does from the service that it does it for.

- `own_code` says which plugins run code of their own, beside what they declare.
- `lane` decides for such a plugin in a `process` that can be killed; `worker` is what runs there.
- `turns` says whose turn it is there; `wire` and `answers` are what goes to and fro.
- `rehearsal` loads a plugin that a process ended on elsewhere first.
- `note` is what survives a crash: which plugin was being loaded or decided when the process ended.
"""
