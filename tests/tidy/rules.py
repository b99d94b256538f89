"""Rules on one file at a time. Each yields (line, message); a message says what to do."""

import re

import architecture
import cpp_source

LINE_MAX = 100
CODE_WARN, CODE_MAX = 300, 500
HEADER_WARN, HEADER_MAX = 150, 250
FUNCTION_WARN, FUNCTION_MAX = 40, 70
MAIN_MAX = 150  # composition only
PARAMETERS_MAX = 4

BANNED_WORDS = {"Util", "Utils", "Helper", "Helpers", "Manager", "Managers", "Impl", "Common"}
_TYPE_NAME = re.compile(r"\b(?:class|struct|enum\s+class|enum|union|concept)\s+([A-Z]\w*)")
_ALIAS = re.compile(r"\busing\s+([A-Z]\w*)\s*=|\btypedef\b[^;]*?\b([A-Z]\w*)\s*;")
_FLAG = re.compile(r"(?:const\s+)?bool\b(?!\s*[&*])")
_LOG = re.compile(r'\bspdlog::(?:trace|debug|info|warn|error|critical)\(\s*"((?:\\.|[^"\\]|"\s*")*)"')
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")
_USING = re.compile(r"^[ \t]*using\s+namespace\b", re.MULTILINE)
_EXCEPTION = re.compile(r"\b(throw|try|catch)\b(?=\s*[\w({:;\"])")
_LEFT_BEHIND = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(\([^)\s][^)]*\): \S)?")
_STANDARD_WITH_H = {"assert.h", "stdint.h", "stddef.h", "string.h", "math.h", "unistd.h",
                    "fcntl.h", "errno.h", "pthread.h", "sched.h"}


def sizes(source: cpp_source.Source):
    count = len(source.lines)
    limit = HEADER_MAX if source.is_header else CODE_MAX
    if count > limit:
        yield limit + 1, f"{count} lines, at most {limit}: split it by idea"
    if source.path == "kithd/main.cc" and count > MAIN_MAX:
        yield MAIN_MAX + 1, f"{count} lines, at most {MAIN_MAX}: main.cc only composes"


def size_warnings(source: cpp_source.Source):
    count = len(source.lines)
    wanted = HEADER_WARN if source.is_header else CODE_WARN
    if count > wanted:
        yield 1, f"{count} lines, wanted at most {wanted}"
    for function in cpp_source.functions(source):
        if FUNCTION_WARN < function.lines <= FUNCTION_MAX:
            yield function.line, (f"function of {function.lines} lines, wanted at most "
                                  f"{FUNCTION_WARN}: {function.head[:80]}")


def function_sizes(source: cpp_source.Source):
    for function in cpp_source.functions(source):
        if function.lines > FUNCTION_MAX:
            yield function.line, (f"function of {function.lines} lines, at most {FUNCTION_MAX}: "
                                  f"{function.head[:80]}")


def line_length(source: cpp_source.Source):
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_MAX and "#include" not in line and "http" not in line:
            yield number, f"{len(line)} columns, at most {LINE_MAX}"


def whitespace(source: cpp_source.Source):
    for number, line in enumerate(source.lines, 1):
        if line != line.rstrip() or "\t" in line:
            yield number, "a tab or a space at the end of the line"
    if source.text and not source.text.endswith("\n"):
        yield len(source.lines), "no newline at the end of the file"


def include_guard(source: cpp_source.Source):
    if not source.is_header:
        return
    guard = "KITH_" + re.sub(r"[^A-Za-z0-9]", "_", source.path).upper() + "_"
    opening = re.search(r"^#ifndef (\S+)\n#define (\S+)$", source.text, re.MULTILINE)
    if opening is None or opening.group(1) != guard or opening.group(2) != guard:
        yield 1, f"the include guard must be {guard}"


def using_namespace(source: cpp_source.Source):
    if source.is_header:
        for match in _USING.finditer(source.code):
            yield source.line_of(match.start()), "`using namespace` in a header"


def banned_names(source: cpp_source.Source):
    banned_lower = {word.lower() for word in BANNED_WORDS}
    for word in re.split(r"[_.]", source.stem):
        if word in banned_lower:
            yield 1, f"file name with `{word}`: name the idea instead"
    named = [*_TYPE_NAME.finditer(source.code), *_ALIAS.finditer(source.code)]
    for match in named:
        name = next(group for group in match.groups() if group)
        for word in _WORD.findall(name):
            if word in BANNED_WORDS:
                yield (source.line_of(match.start()),
                       f"type {name}: name the idea instead of `{word}`")
    yield from _banned_folders(source, banned_lower)


def _banned_folders(source: cpp_source.Source, banned_lower: set[str]):
    parts = source.path.split("/")[:-1]
    for depth, part in enumerate(parts, 1):
        folder = "/".join(parts[:depth])
        words = banned_lower.intersection(part.split("_"))
        if words and folder not in architecture.NAMED_FOLDERS:
            yield 1, f"folder {folder}: name the idea instead of `{words.pop()}`"


def exceptions(source: cpp_source.Source):
    if source.path.startswith("tests/"):
        return
    if any(re.match(pattern, source.path) for pattern in architecture.EXCEPTION_ADAPTERS):
        return
    for match in _EXCEPTION.finditer(source.code):
        yield (source.line_of(match.start()),
               f"`{match.group(1)}` outside an adapter: errors are absl::Status "
               "(tests/tidy/architecture.py lists the adapters)")


def left_behind(source: cpp_source.Source):
    for match in _LEFT_BEHIND.finditer(source.text):
        if match.group(2) is None:
            yield (source.line_of(match.start()),
                   f"{match.group(1)} without a reason: write {match.group(1)}(why it waits): what")


def log_lines(source: cpp_source.Source):
    """event=name key=value: a reader of logs should need one rule, and text from outside no way to
    forge a line."""
    if source.path.startswith("tests/"):
        return
    for match in _LOG.finditer(source.text):
        line = source.line_of(match.start())
        if not match.group(1).startswith("event="):
            yield line, f"a log line begins with event=: {match.group(1)[:40]}"
        if '\\"{' in match.group(1):
            yield line, "quotes by hand: telemetry::LogValue quotes where that is needed"


def _is_standard(path: str) -> bool:
    if path in _STANDARD_WITH_H or path.startswith("sys/"):
        return True
    return re.fullmatch(r"[a-z_0-9]+", path) is not None


def gates(source: cpp_source.Source):
    """Third-party headers where they may be, and nowhere else."""
    for include in source.includes:
        for name, wanted, allowed in architecture.GATES:
            if re.search(wanted, include.path) and not re.search(allowed, source.path):
                yield include.line, f"{name} ({include.path}) may not be included here"
        closed = any(source.path.startswith(folder + "/")
                     for folder in architecture.STANDARD_LIBRARY_ONLY)
        ours = include.quoted and include.path.split("/")[0] in architecture.FOLDERS
        if (closed and not ours and not _is_standard(include.path)
                and not architecture.ISA_FILE.match(source.path)
                and not (source.path.startswith("index/gpu/") and include.path[:4] == "cuda")):
            yield include.line, f"{include.path}: only the standard library here"
        if (architecture.ISA_FILE.match(source.path)
                and not architecture.ISA_INCLUDES.match(include.path)):
            yield include.line, f"{include.path}: a per-ISA file takes no inline function from afar"


def arrows(source: cpp_source.Source):
    for include in source.includes:
        if include.quoted and include.path.split("/")[0] in architecture.FOLDERS:
            if not architecture.may_include(source.path, include.path):
                module = architecture.module_of(source.path)
                yield include.line, f"{module} may not include {include.path}"


def from_the_root(source: cpp_source.Source):
    """A path that begins elsewhere would slip by every rule on paths."""
    for include in source.includes:
        parts = include.path.split("/")
        if ".." in parts or "." in parts:
            yield include.line, f"{include.path}: write the path from the root"
        elif include.quoted and parts[0] not in architecture.QUOTED_ROOTS:
            yield include.line, (f'"{include.path}": quotes are for paths from the root, brackets '
                                 "for libraries")


def parameter_lists(source: cpp_source.Source):
    allowed = architecture.PARAMETERS_ALLOWED.get(source.path, set())
    if allowed is None:
        return
    for function in cpp_source.functions(source):
        if function.name in allowed:
            continue
        found = cpp_source.parameters(function.head)
        if len(found) > PARAMETERS_MAX:
            yield function.line, (f"{function.name}: {len(found)} parameters, at most "
                                  f"{PARAMETERS_MAX}: give them names in a struct")
        for one in found:
            if _FLAG.match(one):
                yield function.line, (f"{function.name}: `{one}` chooses between two behaviours: "
                                      "two functions, or an enum")


def own_header_first(source: cpp_source.Source, present: set[str]):
    """A header is self-contained when its own .cc starts with it."""
    header = source.path.rsplit(".", 1)[0] + ".h"
    if source.path.endswith(".cc") and header in present and source.includes:
        if source.includes[0].path != header:
            yield source.includes[0].line, f"include {header} first"


PER_FILE = [sizes, function_sizes, line_length, whitespace, include_guard, using_namespace,
            banned_names, exceptions, left_behind, gates, arrows, from_the_root, parameter_lists,
            log_lines]
