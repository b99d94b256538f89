#ifndef KITH_TESTS_UNIT_CLI_IMPORT_FIXTURE_H_
#define KITH_TESTS_UNIT_CLI_IMPORT_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/cli/command_harness.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {

// `kith import` into the collection `c` of a fake server.
class Import : public ::testing::Test {
 protected:
  Ran Run(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"import", "c", file, "--endpoint", server_.endpoint()};
    words.insert(words.end(), more.begin(), more.end());
    return RunKith(words);
  }
  void AddCollection(uint32_t dimension, v1::ElementType type = v1::ELEMENT_TYPE_F32,
                     v1::Metric metric = v1::METRIC_L2) {
    server_.Add("c", dimension, metric, type);
  }
  static float First(const StoredRow& row) {
    float value;
    std::memcpy(&value, row.vector.data(), 4);
    return value;
  }
  std::string progress() const { return folder_ / "a.fbin.kith-progress-c"; }

  TestFolder folder_;
  FakeServer server_;
};

}  // namespace kith::cli

#endif  // KITH_TESTS_UNIT_CLI_IMPORT_FIXTURE_H_
