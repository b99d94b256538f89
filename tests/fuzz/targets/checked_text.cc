// The small text files of a data directory, SPEC and HINT: as they are, and with the checksum in
// their last line made right.
#include "shard/storage/checked_text.h"

#include "common/base/clock.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/shard_spec_file.h"
#include "tests/fuzz/checked_bytes.h"
#include "tests/fuzz/memory_files.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

const char kHint[] = "HINT";

void TakeSpec(const std::string& bytes) {
  const auto shard = storage::ParseShardSpec("SPEC", bytes);
  if (!shard.ok()) return;
  const std::string encoded = storage::EncodeShardSpec(*shard);
  const auto again = storage::ParseShardSpec("SPEC", encoded);
  Require(again.ok() && storage::EncodeShardSpec(*again) == encoded, "a SPEC comes back as it was");
}

void TakeHint(const std::string& bytes) {
  MemoryFiles files;
  files.Put(kHint, bytes);
  const SystemClock clock;
  const auto hint = storage::LogHint::Open(kHint, files, clock);
  const uint64_t expected = hint->Expected(7);
  Require(hint->Note(7, 1).ok() && hint->Close().ok(), "any HINT can be written over");
  const auto again = storage::LogHint::Open(kHint, files, clock);
  Require(again->Expected(7) >= expected, "a bound never falls");
}

void Take(const std::string& bytes) {
  TakeSpec(bytes);
  TakeHint(bytes);
}

}  // namespace

std::vector<std::string> Seeds() {
  storage::NodeDirectory::ShardDirectory shard;
  shard.spec.shard = 7;
  shard.spec.collection = "colors \"and\" more\n";
  shard.spec.incarnation = shard.copy = Uuid{{1, 2, 3}};
  shard.spec.dimension = 4;
  shard.spec.element_type = ElementType::kF16;
  shard.spec.slots = {{0, 100}, {2048, 4096}};
  shard.spec.payload_fields = {{"color", FieldType::kKeyword}, {"year", FieldType::kInteger}};
  shard.row_extent_bits = 16;
  const std::string spec = storage::EncodeShardSpec(shard);
  storage::CheckedText hint("kith-log-hint");
  hint.Put("shard.7", 12);
  hint.Put("shard.18446744073709551615", 3);
  return {spec, hint.Encode(), std::string(WithoutChecksum(spec)),
          std::string(WithoutChecksum(hint.Encode()))};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::fuzz;
  QuietLog();
  const std::string input(reinterpret_cast<const char*>(data), size);
  Take(input);
  Take(WithChecksum(input));
  return 0;
}
