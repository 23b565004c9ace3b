"""Makes the typed Python stubs from the contracts, beside their .proto files.

`make proto` runs this. With `--out DIR` the stubs go elsewhere, so that a test can compare
them with those that are committed. Only the project's own contracts and `buf.validate` are
generated: the modules of `google.*` come from the googleapis-common-protos distribution. Its
types do not fit the ones made here (an enum has no ValueType, an extension no key type), so
their types are made as well, into typings/, where mypy looks first.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
THIRD_PARTY = ROOT / "third_party"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")
VALIDATE = "buf/validate/validate.proto"
TYPINGS = "typings"


def contracts() -> list[str]:
    """Return the project's own .proto files, as imports name them, in a stable order."""
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "gonghai").rglob("*.proto"))


def generated(root: Path) -> dict[str, bytes]:
    """Return the stubs below `root` by relative path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for area in ("gonghai", "buf", TYPINGS)
        for pattern in GENERATED
        for path in sorted((root / area).rglob(pattern))
    }


def generate(out: Path) -> None:
    """Write the stubs of all contracts below `out`.

    Raises:
        RuntimeError: protoc refused a contract; it has said why on standard error.
    """
    ours = contracts()
    # protoc finds the two mypy plugins on PATH: those of the interpreter that runs this.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    _protoc(out, [*ours, VALIDATE], "--python_out={}", "--mypy_out=quiet:{}")
    googles = sorted((THIRD_PARTY / "google").rglob("*.proto"))
    (out / TYPINGS).mkdir(exist_ok=True)
    names = [path.relative_to(THIRD_PARTY).as_posix() for path in googles]
    _protoc(out / TYPINGS, names, "--mypy_out=quiet:{}")
    services = [name for name in ours if _has_service(ROOT / name)]
    # The services and their clients are asyncio only, and so are the types of the stubs. A method
    # that a servicer leaves out answers UNIMPLEMENTED, so the types do not call it abstract.
    options = "quiet,only_async,generate_concrete_servicer_stubs"
    _protoc(out, services, "--grpc_python_out={}", f"--mypy_grpc_out={options}:{{}}")


def descriptors(contract: Path) -> bytes:
    """Return the serialized FileDescriptorSet of a contract that lies anywhere, imports included.

    Raises:
        RuntimeError: protoc refused the contract; it has said why on standard error.
    """
    with TemporaryDirectory() as folder:
        out = Path(folder) / "descriptors.binpb"
        output = f"--descriptor_set_out={out}"
        _protoc(out, [contract.name], f"-I{contract.parent}", "--include_imports", output)
        return out.read_bytes()


def _has_service(path: Path) -> bool:
    return any(line.startswith("service ") for line in path.read_text("utf-8").splitlines())


def _protoc(out: Path, names: list[str], *outputs: str) -> None:
    if not names:
        return
    # protoc's own google/protobuf/*.proto come with grpcio-tools.
    well_known = files("grpc_tools").joinpath("_proto")
    roots = (ROOT, THIRD_PARTY, well_known)
    arguments = ["protoc", *(f"-I{root}" for root in roots)]
    arguments += [output.format(out) for output in outputs]
    if protoc.main(arguments + names) != 0:
        message = f"protoc refused one of {len(names)} contracts"
        raise RuntimeError(message)


def main() -> None:
    """Bring the stubs up to date: write those that changed, remove those of gone contracts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT, help="where to write (default: here)")
    out: Path = parser.parse_args().out
    before = generated(out)
    with TemporaryDirectory() as fresh:
        generate(Path(fresh))
        after = generated(Path(fresh))
    for name in before.keys() - after.keys():
        (out / name).unlink()
    for name, content in after.items():
        if before.get(name) != content:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content)


if __name__ == "__main__":
    main()
