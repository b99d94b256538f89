"""Lists what the wire contract of .proto files is: one line a field, enum value, method or
reservation, with its number and type. Reads proto3 as kith writes it."""

import pathlib
import re

_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|[A-Za-z_][\w.]*|-?\d+|[{}()<>\[\];=,]',
                    re.DOTALL)


class _Reader:
    def __init__(self, text: str):
        self.tokens = [t for t in _TOKEN.findall(text) if not t.startswith(("//", "/*"))]
        self.at = 0
        self.package = ""
        self.lines: list[str] = []

    def take(self, wanted: str | None = None) -> str:
        token = self.tokens[self.at]
        if wanted is not None and token != wanted:
            raise ValueError(f"expected {wanted!r}, found {token!r}")
        self.at += 1
        return token

    def take_until(self, end: str) -> list[str]:
        taken = []
        while (token := self.take()) != end:
            taken.append(token)
        return taken

    def skip_block(self):
        """The rest of one that has begun, with the blocks within it."""
        depth = 1
        while depth > 0:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)

    def read_file(self):
        while self.at < len(self.tokens):
            keyword = self.take()
            if keyword == "package":
                self.package = "".join(self.take_until(";"))
            elif keyword in ("message", "enum", "service"):
                self.read_block(keyword, self.package)
            elif keyword == "extend":
                self.read_extension()
            else:  # syntax, import, option
                self.take_until(";")

    def read_block(self, keyword: str, scope: str):
        name = f"{scope}.{self.take()}"
        self.take("{")
        {"message": self.read_message, "enum": self.read_enum,
         "service": self.read_service}[keyword](name, "")

    def read_extension(self):
        """Its fields have numbers in the message that is extended."""
        name = self.take()
        self.take("{")
        self.read_message(name, f" in {self.package}")

    def read_message(self, name: str, oneof: str):
        while (token := self.take()) != "}":
            if token in ("message", "enum"):
                self.read_block(token, name)
            elif token == "oneof":
                inner = self.take()
                self.take("{")
                self.read_message(name, f" oneof {inner}")
            elif token == "reserved":
                self.lines.append(f"{name} reserved {' '.join(self.take_until(';'))}")
            elif token == "option":
                self.take_until(";")
            else:
                self.read_field(name, oneof, token)

    def read_field(self, message: str, oneof: str, first: str):
        rest = self.take_until(";")
        if "[" in rest:
            rest = rest[:rest.index("[")]  # options do not change the wire
        *kind, name, _, number = [first, *rest]
        self.lines.append(f"{message}.{name} = {number} {' '.join(kind)}{oneof}")

    def read_enum(self, name: str, _):
        while (token := self.take()) != "}":
            if token in ("option", "reserved"):
                self.take_until(";")
                continue
            self.take("=")
            number = self.take()
            self.take_until(";")
            self.lines.append(f"{name}.{token} = {number} enum value")

    def read_service(self, name: str, _):
        while (token := self.take()) != "}":
            if token != "rpc":
                self.take_until(";")
                continue
            method = self.take()
            self.take("(")
            request = " ".join(self.take_until(")"))
            self.take("returns")
            self.take("(")
            reply = " ".join(self.take_until(")"))
            if self.take() == "{":
                self.skip_block()
            self.lines.append(f"{name}/{method} ({request}) returns ({reply})")


def listing(text: str) -> list[str]:
    reader = _Reader(text)
    reader.read_file()
    return reader.lines


def tree_listing(folder: pathlib.Path) -> list[str]:
    lines = []
    for path in sorted(folder.rglob("*.proto")):
        try:
            lines += listing(path.read_text(encoding="utf-8"))
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path}: {error}") from error
    return sorted(lines)
