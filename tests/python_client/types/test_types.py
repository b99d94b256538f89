"""The client is typed, and so is what uses it: mypy --strict."""

import importlib.metadata
import importlib.util
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
CLIENT = ROOT / "clients" / "python"
TESTS = ROOT / "tests" / "python_client"


def mypy(*words: str, cwd: pathlib.Path = CLIENT) -> str:
    """What mypy finds, with the client's own settings."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "mypy", "--config-file", str(CLIENT / "pyproject.toml"),
         "--cache-dir", "/dev/null", *words],
        capture_output=True, text=True, timeout=250, check=False, cwd=cwd)
    return done.stdout + done.stderr


def test_the_wheel_has_all_that_belongs_to_it_and_nothing_else() -> None:
    sources = {f"kith/{path.name}" for path in (CLIENT / "src" / "kith").iterdir()
               if path.is_file()}
    made = {f"kith/v1/{name}_{ending}" for ending in ("pb2.py", "pb2.pyi", "pb2_grpc.py")
            for name in ("access", "types", "filter", "operations", "backups", "collections", "points",
                         "search")}
    installed = {str(path) for path in importlib.metadata.files("kith-client") or ()
                 if path.parts[0] == "kith" and path.suffix != ".pyc"}
    assert installed == sources | made | {"kith/LICENSE", "kith/v1/__init__.py"}


def test_the_installed_client_and_its_examples_are_typed(tmp_path: pathlib.Path) -> None:
    spec = importlib.util.find_spec("kith")
    assert spec is not None and spec.origin is not None
    assert (pathlib.Path(spec.origin).parent / "py.typed").is_file()
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import kith\n\nkith.Client().search('c', [1.0], limit='3')\n"
                     "kith.Client().count('c')\n", encoding="utf-8")
    found = mypy("--package", "kith", cwd=tmp_path)
    assert "Success: no issues found" in found, found
    examples = [str(path) for path in sorted((CLIENT / "examples").glob("*.py"))]
    assert len(examples) == 3
    found = mypy("--scripts-are-modules", *examples, str(wrong))
    lines = [line for line in found.splitlines() if "error:" in line]
    assert len(lines) == 2, found
    assert 'Argument "limit"' in lines[0]
    assert '"Client" has no attribute "count"' in lines[1]
