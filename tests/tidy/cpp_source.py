"""Reads C++ well enough for the rules of the house: comments and strings blanked, includes listed,
functions measured by their braces. It is no parser; what it misreads shows as a strange report."""

import pathlib
import re
from dataclasses import dataclass, field

EXTENSIONS = {".cc", ".h", ".inc", ".cu", ".cuh"}

_TOKEN = re.compile(
    r"""
      //[^\n]*                                  # line comment
    | /\*.*?\*/                                 # block comment
    | \bR"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"  # raw string
    | "(?:\\.|[^"\\\n])*"
    | (?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'      # not a digit separator
    """,
    re.VERBOSE | re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
_TYPE_HEAD = re.compile(r"\b(namespace|class|struct|union|enum)\b[^()=;]*$")
_CONTROL = re.compile(r"\b(if|for|while|switch|do|else|return)\b")


@dataclass
class Function:
    line: int
    lines: int
    head: str  # whole: what it returns, its name, its parameters, its initialisers

    @property
    def name(self) -> str:
        before = _bare(self.head).split("(", 1)[0].split()
        return before[-1].lstrip("*&").split("::")[-1] if before else ""


@dataclass
class Include:
    line: int
    path: str
    quoted: bool


@dataclass
class Source:
    path: str  # from the root, with slashes
    text: str
    code: str = ""  # the text with comments and strings blanked, line numbers kept
    lines: list[str] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)

    @property
    def folder(self) -> str:
        return str(pathlib.PurePosixPath(self.path).parent)

    @property
    def name(self) -> str:
        return pathlib.PurePosixPath(self.path).name

    @property
    def stem(self) -> str:
        return pathlib.PurePosixPath(self.path).stem

    @property
    def is_header(self) -> bool:
        return self.path.endswith((".h", ".cuh"))

    def line_of(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


def _blank(match: re.Match) -> str:
    text = match.group(0)
    kept = "".join("\n" if c == "\n" else " " for c in text)
    # A string stays visible as one, so that `f("{")` keeps its shape.
    return '"' + kept[1:-1] + '"' if text.endswith('"') and len(text) >= 2 else kept


def parse(path: str, text: str) -> Source:
    code = _TOKEN.sub(_blank, text)
    source = Source(path=path, text=text, code=code, lines=text.split("\n"))
    if source.lines and source.lines[-1] == "":
        source.lines.pop()
    for match in _INCLUDE.finditer(text):
        source.includes.append(
            Include(line=source.line_of(match.start()), path=match.group(2),
                    quoted=match.group(1) == '"'))
    return source


def _without_preprocessor(code: str) -> str:
    out, continued = [], False
    for line in code.split("\n"):
        directive = continued or line.lstrip().startswith("#")
        continued = directive and line.endswith("\\")
        out.append("" if directive else line)
    return "\n".join(out)


def _without_template(head: str) -> str:
    """`template <typename T = int> void F()` without its first part, whose default is no value."""
    while head.startswith("template"):
        depth = 0
        for at, char in enumerate(head):
            depth += (char == "<") - (char == ">")
            if char == ">" and depth == 0:
                head = head[at + 1:].lstrip()
                break
        else:
            return head
    return head


def _bare(head: str) -> str:
    """Without access labels, templates and the signs of an operator."""
    head = _without_template(re.sub(r"^(?:(?:public|private|protected)\s*:\s*)+", "", head))
    return re.sub(r"operator\s*(?:\(\)|[=<>!+\-*/&|^%~\[\]]+)", "operator", head)


def _is_function_head(head: str) -> bool:
    head = _bare(head)
    if not head or _TYPE_HEAD.search(head) or "(" not in head or _CONTROL.match(head):
        return False
    # `auto table = Make({...})` at namespace scope is a value.
    return "=" not in head.split("(", 1)[0]


def _opens_no_body(code: str, start: int, brace: int) -> bool:
    """A brace inside of a function's head: `void F(Options o = {})`, `A::A() : a_{1}`."""
    head = code[start:brace]
    if head.count("(") > head.count(")"):
        return True
    is_initialiser = re.search(r"\)\s*(?:noexcept\s*)?:[^:]", head) is not None
    return is_initialiser and brace > 0 and (code[brace - 1].isalnum() or code[brace - 1] in "_>")


def functions(source: Source) -> list[Function]:
    """Every function body outside of another function, with its length from the first line of its
    head to its closing brace."""
    code = _without_preprocessor(source.code)
    found: list[Function] = []
    head_start = 0
    scopes: list[tuple[bool, int, str]] = []  # is a function, offset of its head, head
    inside = 0  # functions open
    for offset, char in enumerate(code):
        if char == "{" and inside == 0 and _opens_no_body(code, head_start, offset):
            scopes.append((False, -1, ""))
        elif char == "}" and scopes and scopes[-1][1] < 0:
            scopes.pop()
        elif char == "{":
            head = " ".join(code[head_start:offset].split())
            is_function = inside == 0 and _is_function_head(head)
            scopes.append((is_function, head_start, head))
            inside += is_function
            head_start = offset + 1
        elif char == "}":
            if scopes:
                is_function, start, head = scopes.pop()
                if is_function:
                    inside -= 1
                    found.append(_measure(code, start, offset, head))
            head_start = offset + 1
        elif char == ";" and _parentheses_closed(code, head_start, offset):
            head_start = offset + 1
    return found


def _parentheses_closed(code: str, begin: int, end: int) -> bool:
    # The semicolons of `for (;;)` end no statement.
    part = code[begin:end]
    return part.count("(") <= part.count(")")


def _measure(code: str, start: int, end: int, head: str) -> Function:
    while start < end and code[start].isspace():
        start += 1
    first = code.count("\n", 0, start) + 1
    last = code.count("\n", 0, end) + 1
    name = re.sub(r"^(public|private|protected)\s*:\s*", "", head)
    return Function(line=first, lines=last - first + 1, head=name)


def parameters(head: str) -> list[str]:
    """The parameters of a function's head, each as it is written there."""
    bare = _bare(head)
    opening = bare.find("(")
    depth, begin, found = 0, opening + 1, []
    for at in range(opening, len(bare)):
        char = bare[at]
        depth += (char in "(<[{") - (char in ")>]}" and bare[at - 1] != "-")
        ends = depth == 0
        if ends or (char == "," and depth == 1):
            found.append(bare[begin:at].strip())
            begin = at + 1
        if ends:
            break
    return [one for one in found if one and one != "void"]


def read_tree(root: pathlib.Path, folders: list[str]) -> list[Source]:
    sources = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in EXTENSIONS and path.is_file():
                sources.append(parse(path.relative_to(root).as_posix(),
                                     path.read_text(encoding="utf-8")))
    return sources
