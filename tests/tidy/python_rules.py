"""The rules of the house for the Python client (clients/), whose types mypy checks elsewhere."""

import ast
import pathlib
import re
import sys

import rules

# Made by protoc when the wheel is built: not ours to shape.
_GENERATED = re.compile(r"_pb2(?:_grpc)?\.py$")
_PACKAGES = {"google", "grpc", "grpc_health", "kith", "numpy"}
# What a build needs and the installed client does not.
_BUILD_ONLY = {"clients/python/hatch_build.py": {"grpc_tools", "hatchling"}}


def files(root: pathlib.Path) -> list[tuple[str, str]]:
    """Path and text of each file of the client."""
    return [(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
            for path in sorted((root / "clients").rglob("*.py"))
            if not _GENERATED.search(path.name) and "build" not in path.relative_to(root).parts]


def sizes(path: str, text: str):
    count = len(text.splitlines())
    if count > rules.CODE_MAX:
        yield rules.CODE_MAX + 1, f"{count} lines, at most {rules.CODE_MAX}: split it by idea"
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > rules.LINE_MAX:
            yield number, f"{len(line)} columns, at most {rules.LINE_MAX}"
        if line != line.rstrip() or "\t" in line:
            yield number, "a tab or a space at the end of the line"


def functions(path: str, text: str):
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > rules.FUNCTION_MAX:
            yield node.lineno, f"{node.name}: {lines} lines, at most {rules.FUNCTION_MAX}"
        # What must be named by the caller cannot be swapped.
        given = [one.arg for one in (*node.args.posonlyargs, *node.args.args)
                 if one.arg not in ("self", "cls")]
        if len(given) > rules.PARAMETERS_MAX and node.name != "__exit__":
            yield node.lineno, (f"{node.name}: {len(given)} parameters by place, at most "
                                f"{rules.PARAMETERS_MAX}: make the rest keywords")


def names(path: str, text: str):
    words = {word.lower() for word in rules.BANNED_WORDS}
    for part in re.split(r"[/_.]", path):
        if part in words:
            yield 1, f"path with `{part}`: name the idea instead"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            for word in rules.BANNED_WORDS.intersection(re.findall(r"[A-Z][a-z]*", node.name)):
                yield node.lineno, f"type {node.name}: name the idea instead of `{word}`"


def imports(path: str, text: str):
    """The standard library, what pyproject.toml depends on, and the client itself."""
    allowed = _PACKAGES | _BUILD_ONLY.get(path, set())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
            if node.level:
                yield node.lineno, "a relative import: write the path from `kith`"
        else:
            continue
        for module in modules:
            top = module.partition(".")[0]
            if top and top not in allowed and top not in sys.stdlib_module_names:
                yield node.lineno, f"{module} may not be imported here"


RULES = [sizes, functions, names, imports]


def findings(root: pathlib.Path):
    for path, text in files(root):
        for rule in RULES:
            for line, message in rule(path, text):
                yield f"{path}:{line}: {message} [{rule.__name__}]"
