"""Rules on the tree as a whole: cycles, targets, dead files, host names."""

import fnmatch
import pathlib
import posixpath
import re

import cpp_source

SKIPPED = {"build", ".git", "__pycache__", ".venv", "node_modules"}
_TEXT = {".cc", ".h", ".inc", ".cu", ".cuh", ".py", ".sh", ".md", ".txt", ".cmake", ".proto",
         ".yaml", ".yml", ".json", ".service", ""}
# Written in parts, so that this file is not its own finding.
_HOSTS = [".".join(parts) for parts in (
    ("docker", "io"), ("quay", "io"), ("ghcr", "io"), ("gcr", "io"), ("pypi", "org"),
    ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("crates", "io"),
    ("proxy", "golang", "org"), ("deb", "debian", "org"), ("conda", "anaconda", "org"),
    ("repo", "maven", "apache", "org"), ("rubygems", "org"))]


def cycles(sources: list[cpp_source.Source]):
    """Folders that include each other, straight or by a detour."""
    present = {source.path: source for source in sources}
    graph: dict[str, set[str]] = {}
    witness: dict[tuple[str, str], str] = {}
    for source in sources:
        # A source includes a folder's interface; tests may include anything.
        if source.path.startswith("tests/"):
            continue
        for include in source.includes:
            target = present.get(include.path)
            if include.quoted and target is not None and target.folder != source.folder:
                graph.setdefault(source.folder, set()).add(target.folder)
                witness.setdefault((source.folder, target.folder),
                                   f"{source.path}:{include.line}")
    for component in _components(graph):
        inside = sorted(component)
        edges = sorted(where for (a, b), where in witness.items()
                       if a in component and b in component)
        yield inside[0], 1, f"folders include each other: {', '.join(inside)} ({', '.join(edges)})"


def _components(graph: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of more than one folder, by reachability: the graph has a
    few dozen nodes."""
    def reach(start: str) -> set[str]:
        seen, stack = set(), [start]
        while stack:
            for following in graph.get(stack.pop(), ()):
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
        return seen

    reached = {node: reach(node) for node in graph}
    components, placed = [], set()
    for node in sorted(graph):
        if node in placed or node not in reached[node]:
            continue
        component = {other for other in reached[node] if node in reached.get(other, ())}
        placed |= component
        components.append(component)
    return components


def _list_files(root: pathlib.Path) -> dict[str, str]:
    """Folder -> text of its CMakeLists.txt without comments."""
    found = {}
    for path in root.rglob("CMakeLists.txt"):
        folder = path.parent.relative_to(root).as_posix()
        if folder.split("/")[0] not in SKIPPED:
            text = re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8"))
            found[folder] = _LOOP.sub(_unroll, text)
    return found


_LOOP = re.compile(r"foreach\s*\(\s*(\w+)\s+([^)$]*)\)(.*?)endforeach\s*\(\s*\)", re.DOTALL)


def _unroll(loop: re.Match) -> str:
    """A loop over words, written out: its body may make file names of them."""
    variable, words, body = loop.groups()
    return "\n".join(body.replace("${" + variable + "}", word) for word in words.split())


def _owner(path: str, lists: dict[str, str]) -> str | None:
    """The folder of the nearest CMakeLists.txt above a file, not counting the root's."""
    folder = str(pathlib.PurePosixPath(path).parent)
    while folder not in ("", "."):
        if folder in lists:
            return folder
        folder = str(pathlib.PurePosixPath(folder).parent)
    return None


def _mentions(text: str, inner: str) -> int:
    """How often a list file names a file, by its path from there, or through a glob."""
    literal = len(re.findall(rf"(?<![\w/.-]){re.escape(inner)}(?![\w/.-])", text))
    if literal:
        return literal
    for call in re.findall(r"file\s*\(\s*GLOB(?:_RECURSE)?\b([^)]*)\)", text):
        for pattern in re.findall(r"[^\s\"]*\*[^\s\"]*", call):
            pattern = re.sub(r"\$\{[^}]*\}/", "", pattern)
            if fnmatch.fnmatch(inner, pattern) and inner.count("/") == pattern.count("/"):
                return 1
    return 0


def targets(root: pathlib.Path, sources: list[cpp_source.Source]):
    """Every file belongs to exactly one target: a .cc is named once (or globbed) by the nearest
    CMakeLists.txt, a header has such a file above it and is included by somebody."""
    lists = _list_files(root)
    included = {include.path for source in sources for include in source.includes}
    for source in sources:
        owner = _owner(source.path, lists)
        if owner is None:
            yield source.path, 1, "no CMakeLists.txt above it: it belongs to no target"
            continue
        inner = source.path[len(owner) + 1:]
        count = _named_by(lists, source.path, owner)
        # Tests may share a header between their binaries.
        if count > 1 and not (source.is_header and source.path.startswith("tests/")):
            yield source.path, 1, f"named {count} times in CMakeLists.txt: one target a file"
        if source.path.endswith((".cc", ".cu")):
            if count == 0:
                yield source.path, 1, f"dead file: {owner}/CMakeLists.txt does not name {inner}"
        elif source.path not in included and inner not in included:
            yield source.path, 1, "dead file: nobody includes it"


_SOURCE_WORD = re.compile(r"[^\s\"();]+\.(?:cc|cu)\b")


def foreign_sources(root: pathlib.Path, sources: list[cpp_source.Source]):
    """A .cc that the CMakeLists.txt of another folder compiles belongs to two targets, or to one
    where nobody looks for it."""
    lists = _list_files(root)
    present = {source.path for source in sources}
    for folder, text in sorted(lists.items()):
        for word in _SOURCE_WORD.findall(text):
            path = re.sub(r"^\$\{(?:CMAKE|PROJECT)_SOURCE_DIR\}/", "", word)
            if path == word:
                path = posixpath.normpath(posixpath.join(folder, word))
            if path in present and _owner(path, lists) != folder:
                yield f"{folder}/CMakeLists.txt", 1, (f"compiles {path}, which belongs to "
                                                      f"{_owner(path, lists)}/CMakeLists.txt")


def _named_by(lists: dict[str, str], path: str, owner: str) -> int:
    # A file's properties (per-ISA flags) are not another target.
    text = re.sub(r"set_(?:source_files_)?propert(?:y|ies)\s*\([^)]*\)", "", lists[owner])
    return _mentions(text, path[len(owner) + 1:])


def host_names(root: pathlib.Path):
    """Nothing names a registry: packages come from the system's own configuration."""
    pattern = re.compile("|".join(rf"(?<![\w.-])(?:[\w-]+\.)*{re.escape(host)}(?![\w-])"
                                  for host in _HOSTS))
    for path in sorted(root.rglob("*")):
        inner = path.relative_to(root)
        if inner.parts[0] in SKIPPED or path.suffix not in _TEXT or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if not any(host in text for host in _HOSTS):
            continue
        for match in pattern.finditer(text):
            yield (inner.as_posix(), text.count("\n", 0, match.start()) + 1,
                   f"names the registry {match.group(0)}")
