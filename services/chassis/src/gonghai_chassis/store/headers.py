"""The checker of scripts: headers that tell the truth, and writes that come after all reads.

Run as `python -m gonghai_chassis.store.headers PACKAGE…` it checks all scripts of these packages.
"""

from __future__ import annotations

import re
import sys
from importlib.resources import files

from gonghai_chassis.store.scripts import (
    CHASSIS,
    IMPLICIT_ARGS,
    WRITES,
    ScriptError,
    included,
    parse_header,
    read_include,
    read_source,
    strip_header,
)

_READS = frozenset(
    {
        "GET",
        "MGET",
        "STRLEN",
        "EXISTS",
        "TYPE",
        "TTL",
        "PTTL",
        "HGET",
        "HMGET",
        "HGETALL",
        "HLEN",
        "HKEYS",
        "HVALS",
        "HEXISTS",
        "HSCAN",
        "ZSCORE",
        "ZMSCORE",
        "ZRANK",
        "ZREVRANK",
        "ZRANGE",
        "ZREVRANGE",
        "ZRANGEBYSCORE",
        "ZREVRANGEBYSCORE",
        "ZRANGEBYLEX",
        "ZCARD",
        "ZCOUNT",
        "ZLEXCOUNT",
        "ZREVRANGEBYLEX",
        "SISMEMBER",
        "SMISMEMBER",
        "SMEMBERS",
        "SCARD",
        "SRANDMEMBER",
        "SINTER",
        "SUNION",
        "SDIFF",
        "SINTERCARD",
        "LRANGE",
        "LINDEX",
        "LLEN",
        "LPOS",
        "XRANGE",
        "XREVRANGE",
        "XLEN",
        "XREAD",
        "TIME",
        "GETRANGE",
    }
)
_WRITES = frozenset(
    {
        "SET",
        "SETEX",
        "PSETEX",
        "SETNX",
        "MSET",
        "DEL",
        "UNLINK",
        "EXPIRE",
        "PEXPIRE",
        "PERSIST",
        "INCR",
        "INCRBY",
        "DECR",
        "DECRBY",
        "APPEND",
        "HSET",
        "HSETNX",
        "HDEL",
        "HINCRBY",
        "ZADD",
        "ZREM",
        "ZINCRBY",
        "ZREMRANGEBYSCORE",
        "ZREMRANGEBYRANK",
        "ZREMRANGEBYLEX",
        "ZUNIONSTORE",
        "ZINTERSTORE",
        "ZDIFFSTORE",
        "ZRANGESTORE",
        "SADD",
        "SREM",
        "SMOVE",
        "SUNIONSTORE",
        "SDIFFSTORE",
        "SINTERSTORE",
        "LPUSH",
        "RPUSH",
        "LPOP",
        "RPOP",
        "LREM",
        "LTRIM",
        "LSET",
        "XADD",
        "XTRIM",
        "XDEL",
        "PUBLISH",
        "RENAME",
        "COPY",
    }
)

_CALL = re.compile(r"redis\.(?:p?call)\(\s*(['\"])(?P<command>[A-Za-z]+)\1")
_KEYED = re.compile(
    r"redis\.(?:p?call)\(\s*'(?!TIME\b|PUBLISH\b)[A-Z]+'\s*,\s*(?P<key>[^,)]*[^,)\s])"
)
_KEY_EXPRESSION = re.compile(
    r"(?:unpack\()?KEY\.[a-z][a-z0-9_]*(?:\s*\.\..*)?|(?P<local>[a-z_]+)", re.DOTALL
)
_ANY_CALL = re.compile(r"redis\.p?call\(")
_COMMENT = re.compile(r"--\[\[.*?\]\]|--[^\n]*", re.DOTALL)
_FUNCTION = re.compile(r"^local function (?P<name>[a-z_]+)\(", re.MULTILINE)


def check_script(source: str, where: str, package: str) -> list[str]:
    """Faults of a script; none when it is as it should be."""
    try:
        header = parse_header(source, where)
        includes = {name: read_include(package, name) for name in included(source)}
        headers = {name: parse_header(text, name) for name, text in includes.items()}
    except (ScriptError, OSError) as error:
        return [str(error)]
    faults = []
    if not header.returns:
        faults.append(f"{where}: the header does not say what the script returns.")
    body = strip_header(source)
    texts = [body, *(strip_header(text) for text in includes.values())]
    used_keys = _names(texts, "KEY")
    used_args = _names(texts, "ARG") - IMPLICIT_ARGS
    needed_keys = {key for one in headers.values() for key in one.keys}
    needed_args = {arg for one in headers.values() for arg in one.args}
    for title, declared, used, needed in (
        ("KEYS", set(header.keys), used_keys, needed_keys),
        ("ARG", set(header.args), used_args, needed_args),
    ):
        faults += [f"{where}: {title} lacks {name}." for name in sorted((used | needed) - declared)]
        faults += [f"{where}: {title} {name} is not used." for name in sorted(declared - used)]
    if re.search(r"\b(?:KEYS|ARGV)\s*[\[,)#]|#(?:KEYS|ARGV)\b", _bare(body)):
        faults.append(f"{where}: use KEY and ARG, not KEYS and ARGV.")
    faults += _key_faults(texts, where)
    faults += _order_faults(body, where, _writers(includes), _readers(includes))
    return faults


def check_include(source: str, where: str) -> list[str]:
    """Faults of an include on its own."""
    try:
        header = parse_header(source, where)
    except ScriptError as error:
        return [str(error)]
    body = strip_header(source)
    faults = [
        f"{where}: {title} lacks {name}."
        for title, declared, used in (
            ("KEYS", set(header.keys), _names([body], "KEY")),
            ("ARG", set(header.args), _names([body], "ARG") - IMPLICIT_ARGS),
        )
        for name in sorted(used ^ declared)
    ]
    outside = _outside_functions(_bare(body))
    faults += [
        f"{where}: {command} outside a function: an include may write in its functions only."
        for command in _commands(outside) & _WRITES
    ]
    return faults + _unknown_commands(body, where)


def check_package(package: str) -> list[str]:
    """Faults of all scripts and includes of a package."""
    home = files(package).joinpath("lua")
    if not home.is_dir():
        return []
    faults = []
    for entry in sorted(home.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".lua"):
            name = entry.name.removesuffix(".lua")
            faults += check_script(read_source(package, name), f"{package}/{entry.name}", package)
    shared = home.joinpath("includes")
    if shared.is_dir():
        for entry in sorted(shared.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".lua"):
                where = f"{package}/includes/{entry.name}"
                faults += check_include(entry.read_text("utf-8"), where)
    return faults


def _bare(text: str) -> str:
    return _COMMENT.sub("", text)


def _names(texts: list[str], table: str) -> set[str]:
    return {
        name for text in texts for name in re.findall(rf"\b{table}\.([a-z][a-z0-9_]*)", _bare(text))
    }


def _commands(text: str) -> set[str]:
    return {match["command"].upper() for match in _CALL.finditer(text)}


def _functions(text: str) -> dict[str, str]:
    """Bodies of the functions that start at the margin, by name."""
    found = {}
    matches = list(_FUNCTION.finditer(text))
    for match in matches:
        end = re.compile(r"^end$", re.MULTILINE).search(text, match.end())
        found[match["name"]] = text[match.start() : end.end() if end else len(text)]
    return found


def _outside_functions(text: str) -> str:
    for body in _functions(text).values():
        text = text.replace(body, "")
    return text


def _calling(includes: dict[str, str], commands: frozenset[str]) -> set[str]:
    return {
        name
        for text in includes.values()
        for name, body in _functions(_bare(strip_header(text))).items()
        if _commands(body) & commands
    }


def _writers(includes: dict[str, str]) -> set[str]:
    return _calling(includes, _WRITES)


def _readers(includes: dict[str, str]) -> set[str]:
    return _calling(includes, _READS)


def _key_faults(texts: list[str], where: str) -> list[str]:
    """Keys that the server cannot know of before the script runs.

    While a slot moves to another master key by key, a script is stopped where it touches a key that
    is not there, be it after its first write. What is declared is looked for before it starts. So
    each key is a declared one, or begins with a declared one that never is a key itself: this one
    is missing always, so that the script does not start before the slot has settled.
    """
    bare = "\n".join(_bare(text) for text in texts)
    begun = set(re.findall(r"\bKEY\.([a-z][a-z0-9_]*)\s*\.\.", bare))
    whole = set(re.findall(r"\bKEY\.([a-z][a-z0-9_]*)\b(?!\s*\.\.)", bare))
    faults = [
        f"{where}: {name} is a key, and others begin with it: declare them."
        for name in sorted(begun & whole)
    ]
    for match in _KEYED.finditer(bare):
        key = match["key"]
        form = _KEY_EXPRESSION.fullmatch(key)
        local = form["local"] if form else None
        given = re.findall(rf"\blocal {local} = (.*)", bare) if local else []
        if form is None or not all("KEY." in value for value in given):
            faults.append(f"{where}: the key {key} is not declared.")
    return faults


def _unknown_commands(body: str, where: str) -> list[str]:
    bare = _bare(body)
    faults = [
        f"{where}: {command} is not a command that a script may use."
        for command in sorted(_commands(bare) - _READS - _WRITES)
    ]
    if len(_ANY_CALL.findall(bare)) != len(_CALL.findall(bare)):
        faults.append(f"{where}: name the command of each redis.call, so that it can be checked.")
    return faults


def _order_faults(body: str, where: str, writers: set[str], readers: set[str]) -> list[str]:
    faults = _unknown_commands(body, where)
    parts = re.split(rf"^{WRITES}$", body, flags=re.MULTILINE)
    if len(parts) > 2:  # noqa: PLR2004 - before and after
        return [*faults, f"{where}: {WRITES} stands more than once."]
    own = _functions(_bare(body))
    own_writers = {name for name, text in own.items() if _commands(text) & _WRITES}
    reading = _outside_functions(_bare(parts[0]))
    for command in sorted(_commands(reading) & _WRITES):
        faults.append(f"{where}: {command} comes before {WRITES}.")
    for name in sorted(writers | own_writers):
        if re.search(rf"\b{name}\s*[({{]", reading):
            faults.append(f"{where}: {name} writes, but is called before {WRITES}.")
    if len(parts) == 1:
        return faults
    writing = _bare(parts[1])
    for command in sorted(_commands(writing) & _READS):
        faults.append(f"{where}: {command} reads, but comes after {WRITES}.")
    for name in sorted(readers - writers):
        if re.search(rf"\b{name}\s*[({{]", writing):
            faults.append(f"{where}: {name} reads, but is called after {WRITES}.")
    if re.search(r"\b(?:error|assert|redis\.error_reply)\s*\(", writing):
        faults.append(f"{where}: nothing may fail after {WRITES}.")
    return faults


def main(packages: list[str]) -> int:
    """Checks the scripts of the packages and prints the faults; 1 when there are any."""
    faults = [fault for package in packages or [CHASSIS] for fault in check_package(package)]
    for fault in faults:
        sys.stdout.write(fault + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
