"""Makes the package kith.v1 from the repository's proto folder while a wheel is built."""

import pathlib
import shutil
import sys
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = pathlib.Path(__file__).resolve().parent
# What a client speaks. shard.proto is between coordinator and nodes.
NAMES = ("access", "types", "filter", "operations", "backups", "collections", "points", "search")


def of_the_repository(name: str) -> pathlib.Path:
    """A file or folder of the repository, or the copy of it that an sdist carries."""
    for path in (HERE / name, HERE.parents[1] / name):
        if path.exists():
            return path
    raise FileNotFoundError(f"no {name} above {HERE}: build from a clone or from an sdist")


def generate(target: pathlib.Path) -> None:
    """Writes kith/v1 below `target`: messages, their types, and stubs of the services."""
    from grpc_tools import protoc

    protos = of_the_repository("proto")
    shipped = pathlib.Path(protoc.__file__).parent / "_proto"
    code: int = protoc.main(
        ["protoc", f"-I{protos}", f"-I{shipped}", f"--python_out={target}", f"--pyi_out={target}",
         f"--grpc_python_out={target}", *(f"kith/v1/{name}.proto" for name in NAMES)])
    if code != 0:
        raise RuntimeError(f"protoc ended with {code}")
    (target / "kith" / "v1" / "__init__.py").write_text(
        '"""The API\'s own messages and stubs, made by protoc from proto/kith/v1."""\n',
        encoding="utf-8")


class GeneratedMessages(BuildHookInterface):  # type: ignore[misc]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """A wheel takes the files from a temporary folder, so that a build leaves nothing in the
        clone; only an editable install needs them beside the sources."""
        if self.target_name != "wheel":
            return
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-protos-"))
        generate(self._folder)
        made = self._folder / "kith" / "v1"
        if version == "editable":
            shutil.copytree(made, HERE / "src" / "kith" / "v1", dirs_exist_ok=True)
            return
        build_data["force_include"][str(of_the_repository("LICENSE"))] = "kith/LICENSE"
        for file in sorted(made.iterdir()):
            build_data["force_include"][str(file)] = f"kith/v1/{file.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.target_name == "wheel":
            shutil.rmtree(self._folder, ignore_errors=True)


if __name__ == "__main__":
    generate(pathlib.Path(sys.argv[1]))
