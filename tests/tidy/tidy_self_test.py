#!/usr/bin/env python3
"""Every rule of tidy is broken once in a small tree and must be reported there, and a clean tree
must pass: a test that cannot fail is a defect."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cpp_source  # noqa: E402
import tidy_test  # noqa: E402

HEADER = """#ifndef KITH_{guard}_H_
#define KITH_{guard}_H_

{body}
#endif  // KITH_{guard}_H_
"""


def header(path: str, body: str = "") -> str:
    return HEADER.format(guard=path[:-2].replace("/", "_").upper(), body=body)


def function(lines: int) -> str:
    return "void Long(int a) {\n" + "  ++a;\n" * (lines - 2) + "}\n"


CLEAN = {
    "common/CMakeLists.txt": "kith_library(kith_base SOURCES base/status.cc)\n",
    "common/base/status.h": header("common/base/status.h", "struct Status {};\n"),
    "common/base/status.cc": '#include "common/base/status.h"\n\n#include <string>\n',
    "index/CMakeLists.txt": 'file(GLOB sources "*.cc" "kernels/*.cc")\n',
    "index/scan.h": header("index/scan.h", "struct Scan {};\n"),
    "index/plan.h": header("index/plan.h", "struct Plan {};\n"),
    "index/scan.cc": '#include "index/scan.h"\n\n#include "index/plan.h"\n',
    "index/kernels/kernels_avx2.cc": "#include <cstdint>\n#include <immintrin.h>\n",
    "shard/CMakeLists.txt": "kith_library(kith_shard SOURCES copy.cc storage/log.cc)\n",
    "shard/copy.h": header("shard/copy.h", "struct Copy {};\n"),
    "shard/copy.cc": '#include "shard/copy.h"\n\n#include "common/base/status.h"\n'
                     '#include "index/scan.h"\n' + function(70),
    "shard/storage/log.cc": "#include <rocksdb/db.h>\n",
    "coordinator/CMakeLists.txt": "kith_library(kith_coordinator SOURCES plan.cc)\n",
    "coordinator/plan.cc": '#include "index/plan.h"\n',
    "clients/python/src/kith/a.py": "import json\n\nimport numpy as np\nfrom kith.b import c\n",
}


class TidyTest(unittest.TestCase):
    def findings(self, changes: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in {**CLEAN, **changes}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return tidy_test.findings(root)

    def assert_reported(self, rule: str, path: str, changes: dict[str, str]):
        found = self.findings(changes)
        matching = [line for line in found if line.startswith(path + ":") and f"[{rule}]" in line]
        self.assertEqual(len(matching), len(found), f"something else was reported: {found}")
        self.assertNotEqual(matching, [], f"{rule} was not reported")

    def with_code(self, path: str, extra: str) -> dict[str, str]:
        return {path: CLEAN[path] + extra}

    def in_header(self, path: str, body: str) -> dict[str, str]:
        return {path: header(path, body)}


class Tidy(TidyTest):
    def test_a_clean_tree_passes(self):
        self.assertEqual(self.findings({}), [])

    def test_a_long_file_is_reported(self):
        self.assert_reported("sizes", "shard/copy.cc",
                             self.with_code("shard/copy.cc", "int a;\n" * 500))

    def test_a_long_header_is_reported(self):
        self.assert_reported("sizes", "shard/copy.h",
                             self.in_header("shard/copy.h", "int f();\n" * 250))

    def test_a_long_main_is_reported(self):
        self.assert_reported("sizes", "kithd/main.cc",
                             {"kithd/CMakeLists.txt": "add_executable(kithd main.cc)\n",
                              "kithd/main.cc": "int a;\n" * 151})

    def test_a_long_function_is_reported(self):
        self.assert_reported("function_sizes", "shard/copy.cc",
                             self.with_code("shard/copy.cc", function(71)))

    def test_a_long_method_inside_a_namespace_and_a_class_is_reported(self):
        body = "namespace kith {\nclass A {\n  A() : b_{1} {}\n" + function(71) + "};\n}\n"
        self.assert_reported("function_sizes", "shard/copy.cc",
                             self.with_code("shard/copy.cc", body))

    def test_a_long_function_with_an_unusual_head_is_reported(self):
        body = "  ++a;\n" * 70 + "}\n"
        for head in ("A::A(int a) : b_{a}, c_{1, 2} {", "template <typename T = int>\nvoid F(T a) {",
                     'extern "C" void F(int a) {', "void F(int a, Options options = {}) {",
                     "bool A::operator()(int a) const {", "A::A(B b = {}) : B(b), c_(D<int>{b}) {"):
            for text in (head + "\n" + body, "namespace kith {\n" + head + "\n" + body + "}\n"):
                self.assert_reported("function_sizes", "shard/copy.cc",
                                     self.with_code("shard/copy.cc", text))

    def test_a_fifth_parameter_is_reported(self):
        for code in ("void F(int a, int b, int c, int d, int e) {}",
                     "void F(std::map<int, int> a, int b, void (*c)(int, int), int d, int e) {}",
                     "A::A(int a, int b, int c, int d, int e) : f_{a} {}"):
            self.assert_reported("parameter_lists", "shard/copy.cc",
                                 self.with_code("shard/copy.cc", code + "\n"))

    def test_a_bool_parameter_is_reported(self):
        for code in ("void F(bool fast) {}", "void F(int a, const bool fast = true) {}"):
            self.assert_reported("parameter_lists", "shard/copy.cc",
                                 self.with_code("shard/copy.cc", code + "\n"))

    def test_four_parameters_and_a_bool_to_be_filled_pass(self):
        self.assertEqual(self.findings(self.with_code(
            "shard/copy.cc", "void F(std::map<int, int> a, std::pair<int, int> b, int c, bool& d) {}\n"
            "bool G(std::function<void(bool, int)> f) { return H(true); }\n")), [])

    def test_a_long_line_is_reported(self):
        self.assert_reported("line_length", "shard/copy.cc",
                             self.with_code("shard/copy.cc", "// " + "a" * 98 + "\n"))

    def test_a_space_at_the_end_of_a_line_is_reported(self):
        self.assert_reported("whitespace", "shard/copy.cc",
                             self.with_code("shard/copy.cc", "int a; \n"))

    def test_a_wrong_include_guard_is_reported(self):
        self.assert_reported("include_guard", "shard/copy.h",
                             {"shard/copy.h": header("shard/other.h")})

    def test_using_namespace_in_a_header_is_reported(self):
        self.assert_reported("using_namespace", "shard/copy.h",
                             self.in_header("shard/copy.h", "using namespace kith;\n"))

    def test_banned_words_in_type_names_are_reported(self):
        for word in ("CopyUtils", "CopyHelper", "ManagerOfCopies", "CopyImpl", "CommonCopy"):
            self.assert_reported("banned_names", "shard/copy.h",
                                 self.in_header("shard/copy.h", f"class {word} {{}};\n"))

    def test_banned_words_in_aliases_are_reported(self):
        for body in ("using CopyHelper = int;\n", "typedef int CopyManager;\n"):
            self.assert_reported("banned_names", "shard/copy.h", self.in_header("shard/copy.h", body))

    def test_banned_words_in_folder_names_are_reported(self):
        for folder in ("utils", "helpers", "common", "file_helpers"):
            self.assert_reported("banned_names", f"shard/{folder}/a.cc", {
                f"shard/{folder}/a.cc": "", "shard/CMakeLists.txt":
                CLEAN["shard/CMakeLists.txt"] + f"a(SOURCES {folder}/a.cc)\n"})

    def test_banned_words_in_file_names_are_reported(self):
        self.assert_reported("banned_names", "shard/copy_utils.cc",
                             {"shard/copy_utils.cc": "", "shard/CMakeLists.txt":
                              CLEAN["shard/CMakeLists.txt"] + "a(SOURCES copy_utils.cc)\n"})

    def test_exceptions_outside_an_adapter_are_reported(self):
        for code in ("int a() { throw 1; }", "int a() { try { b(); } catch (int) { c(); } }"):
            self.assert_reported("exceptions", "shard/copy.cc",
                                 self.with_code("shard/copy.cc", code + "\n"))

    def test_words_of_exceptions_in_comments_and_strings_are_not_reported(self):
        self.assertEqual(self.findings(self.with_code(
            "shard/copy.cc", '// try again\nauto a = "throw this"; int retry_catch;\n')), [])

    def test_a_log_line_of_another_form_is_reported(self):
        for line in ('"shard opened shard={}", 1', '"event=a error=\\"{}\\"", b',
                     '\n      "event=a "\n      "error=\\"{}\\"", b'):
            self.assert_reported("log_lines", "shard/storage/log.cc", self.with_code(
                "shard/storage/log.cc", f"void F() {{ spdlog::info({line}); }}\n"))

    def test_a_log_line_of_the_form_passes(self):
        self.assertEqual(self.findings(self.with_code(
            "shard/storage/log.cc",
            'void F() { spdlog::info("event=a b={} c=\\"d e\\"", LogValue(b)); }\n')), [])

    def test_something_left_behind_without_a_reason_is_reported(self):
        for mark in ("TODO", "FIXME", "XXX"):
            self.assert_reported("left_behind", "shard/copy.cc",
                                 self.with_code("shard/copy.cc", f"// {mark}: later\n"))

    def test_something_left_behind_with_a_reason_passes(self):
        self.assertEqual(self.findings(self.with_code(
            "shard/copy.cc", "// TODO(needs a second copy): hedge the read\n")), [])

    def test_third_party_headers_outside_their_gate_are_reported(self):
        for path in ("rocksdb/db.h", "kith/v1/points.pb.h", "grpcpp/grpcpp.h",
                     "google/protobuf/message.h", "prometheus/counter.h", "immintrin.h",
                     "yaml-cpp/yaml.h", "CLI/CLI.hpp", "httplib.h", "nlohmann/json.hpp",
                     "gtest/gtest.h", "benchmark/benchmark.h", "cuda_runtime.h"):
            self.assert_reported("gates", "shard/copy.cc",
                                 self.with_code("shard/copy.cc", f"#include <{path}>\n"))

    def test_a_cuda_header_in_a_header_of_the_card_is_reported(self):
        path = "index/gpu/card.h"
        text = header(path, "#include <cuda_runtime.h>\n")
        self.assert_reported("gates", path, {
            path: text, "index/gpu/card.cc": '#include "index/gpu/card.h"\n',
            "index/CMakeLists.txt": 'file(GLOB sources "*.cc" "kernels/*.cc" "gpu/*.cc")\n'})

    def test_a_library_in_the_engine_is_reported(self):
        self.assert_reported("gates", "index/scan.cc",
                             self.with_code("index/scan.cc", "#include <fmt/format.h>\n"))

    def test_a_library_in_quotes_in_the_engine_is_reported(self):
        for path in ("absl/status/status.h", "google/protobuf.h"):
            self.assert_reported("gates", "index/scan.cc",
                                 self.with_code("index/scan.cc", f'#include "{path}"\n'))

    def test_an_include_that_does_not_begin_at_the_root_is_reported(self):
        for path in ("../common/base/status.h", "common/../common/base/status.h", "./copy.h",
                     "copy.h", "fmt/format.h"):
            self.assert_reported("from_the_root", "shard/copy.cc",
                                 self.with_code("shard/copy.cc", f'#include "{path}"\n'))

    def test_the_standard_library_in_a_per_isa_file_is_reported(self):
        self.assert_reported("gates", "index/kernels/kernels_avx2.cc",
                             self.with_code("index/kernels/kernels_avx2.cc",
                                            "#include <vector>\n"))

    def test_arrows_upwards_are_reported(self):
        for path, target in (("index/scan.cc", "common/base/status.h"),
                             ("shard/copy.cc", "coordinator/map.h"),
                             ("coordinator/plan.cc", "shard/copy.h"),
                             ("coordinator/plan.cc", "index/scan.h"),
                             ("common/base/status.cc", "common/rpc/handler.h"),
                             ("shard/storage/log.cc", "shard/copy.h"),
                             ("shard/storage/log.cc", "common/rpc/status_codes.h"),
                             ("shard/copy.cc", "common/rpc/status_codes.h"),
                             ("shard/copy.cc", "common/meta/meta_store.h"),
                             ("shard/copy.cc", "shard/rpc/server.h")):
            self.assert_reported("arrows", path,
                                 self.with_code(path, f'#include "{target}"\n'))

    def test_a_cycle_of_folders_is_reported(self):
        lists = {"shard/CMakeLists.txt": "kith_library(a SOURCES copy.cc storage/log.cc w/a.cc)\n"}
        self.assert_reported("cycles", "shard", {
            **lists, "shard/w/a.h": header("shard/w/a.h", '#include "shard/copy.h"\n'),
            "shard/w/a.cc": '#include "shard/w/a.h"\n',
            "shard/copy.cc": '#include "shard/copy.h"\n\n#include "shard/w/a.h"\n'})

    def test_a_cc_without_its_own_header_first_is_reported(self):
        self.assert_reported("own_header_first", "index/scan.cc",
                             {"index/scan.cc": '#include "index/plan.h"\n#include "index/scan.h"\n'})

    def test_a_cc_in_no_target_is_reported(self):
        self.assert_reported("targets", "shard/dead.cc", {"shard/dead.cc": ""})

    def test_a_file_named_through_a_loop_has_a_target(self):
        self.assertEqual(self.findings({
            "shard/CMakeLists.txt": CLEAN["shard/CMakeLists.txt"]
            + "foreach(name one two)\n  kith_test(${name} SOURCES ${name}_more.cc)\nendforeach()\n",
            "shard/one_more.cc": "", "shard/two_more.cc": ""}), [])

    def test_a_cc_in_two_targets_is_reported(self):
        self.assert_reported("targets", "shard/copy.cc", {
            "shard/CMakeLists.txt": CLEAN["shard/CMakeLists.txt"] + "b(SOURCES copy.cc)\n"})

    def test_a_cc_that_another_folder_compiles_is_reported(self):
        for word in ("../shard/copy.cc", "${CMAKE_SOURCE_DIR}/shard/copy.cc"):
            self.assert_reported("foreign_sources", "coordinator/CMakeLists.txt", {
                "coordinator/CMakeLists.txt": CLEAN["coordinator/CMakeLists.txt"]
                + f"b(SOURCES {word})\n"})

    def test_a_header_in_two_targets_is_reported(self):
        self.assert_reported("targets", "shard/copy.h", {
            "shard/CMakeLists.txt": CLEAN["shard/CMakeLists.txt"] + "b(SOURCES copy.h copy.h)\n"})

    def test_a_header_that_nobody_includes_is_reported(self):
        self.assert_reported("targets", "shard/dead.h", {"shard/dead.h": header("shard/dead.h")})

    def test_a_file_outside_every_target_is_reported(self):
        self.assert_reported("targets", "cli/main.cc", {"cli/main.cc": ""})

    def test_the_name_of_a_registry_is_reported(self):
        host = ".".join(("docker", "io"))
        self.assert_reported("host_names", "deploy/Dockerfile.txt",
                             {"deploy/Dockerfile.txt": f"FROM {host}/library/debian\n"})


class PythonClient(TidyTest):
    PATH = "clients/python/src/kith/a.py"

    def assert_python(self, rule: str, extra: str):
        self.assert_reported(rule, self.PATH, self.with_code(self.PATH, extra))

    def test_what_is_too_long_is_reported(self):
        self.assert_python("sizes", "a = 1\n" * 500)
        self.assert_python("sizes", "# " + "a" * 99 + "\n")
        self.assert_python("sizes", "a = 1 \n")
        self.assert_python("functions", "def f():\n" + "    a = 1\n" * 70)
        self.assert_python("functions", "async def f():\n" + "    a = 1\n" * 70)

    def test_a_fifth_parameter_by_place_is_reported(self):
        self.assert_python("functions", "def f(a, b, c, d, e): ...\n")
        self.assert_python("functions", "class A:\n    def f(self, a, b, c, d, e): ...\n")
        self.assertEqual(self.findings(self.with_code(
            self.PATH, "class A:\n    def f(self, a, b, c, d, *, e, **f): ...\n")), [])

    def test_banned_words_are_reported(self):
        self.assert_python("names", "class CallHelper: ...\n")
        path = "clients/python/src/kith/call_utils.py"
        self.assert_reported("names", path, {path: ""})

    def test_a_package_that_the_client_does_not_depend_on_is_reported(self):
        self.assert_python("imports", "import requests\n")
        self.assert_python("imports", "def f():\n    from hatchling import build\n")
        self.assert_python("imports", "from . import b\n")

    def test_generated_files_and_the_build_are_let_be(self):
        self.assertEqual(self.findings({
            "clients/python/src/kith/v1/a_pb2.py": "from x import y\n" + "#" * 200 + "\n",
            "clients/python/hatch_build.py": "from hatchling import build\n"}), [])


class FunctionScanner(unittest.TestCase):
    def heads(self, code: str) -> list[tuple[str, int]]:
        return [(f.head, f.lines) for f in cpp_source.functions(cpp_source.parse("a.cc", code))]

    def test_types_and_values_are_not_functions(self):
        self.assertEqual(self.heads("struct A {\n  int a = 1;\n};\nconst T t = Make({1});\n"), [])

    def test_a_lambda_belongs_to_its_function(self):
        code = "void F() {\n  auto g = [](int a) {\n    return a;\n  };\n}\n"
        self.assertEqual(self.heads(code), [("void F()", 5)])

    def test_operators_and_defaults_are_functions(self):
        code = "bool operator==(A a, B b) {\n  return true;\n}\nvoid G(int a = 1) {\n}\n"
        self.assertEqual([lines for _, lines in self.heads(code)], [3, 2])

    def test_braces_in_strings_comments_and_characters_do_not_count(self):
        code = 'void F() {\n  a("{"); b(\'{\'); // {\n  c(R"({)"); int d = 1\'000;\n}\nint x;\n'
        self.assertEqual(self.heads(code), [("void F()", 4)])


if __name__ == "__main__":
    unittest.main()
