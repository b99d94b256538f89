// A collection's record and the aliases in the metadata: as they are, and with their checksum made
// right.
#include <xxhash.h>

#include "common/meta/record_codec.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

std::string WithChecksum(std::string_view body) {
  const uint64_t sum = XXH3_64bits(body.data(), body.size());
  std::string record(body);
  for (int i = 0; i < 8; ++i) record.push_back(static_cast<char>(sum >> (8 * i)));
  return record;
}

void TakeAliases(std::string_view bytes) {
  const auto aliases = DecodeAliases(bytes);
  if (aliases.ok()) Require(EncodeAliases(*aliases) == bytes, "aliases come back as they were");
}

void Take(std::string_view bytes) {
  TakeAliases(bytes);
  const auto record = DecodeCollectionRecord(bytes);
  if (!record.ok()) return;
  const std::string encoded = EncodeCollectionRecord(*record);
  const auto again = DecodeCollectionRecord(encoded);
  // One of an older format comes back in today's.
  const bool is_old = bytes.front() != encoded.front();
  Require(again.ok() && EncodeCollectionRecord(*again) == encoded &&
              (is_old || encoded.size() == bytes.size()),
          "a record comes back as it was");
}

CollectionRecord Young() {
  CollectionRecord record;
  record.name = "faces-80";
  record.incarnation = Uuid{{1, 2, 3}};
  record.state = CollectionRecord::State::kActive;
  record.dimension = 80;
  record.metric = Metric::kCosine;
  record.element_type = ElementType::kF16;
  record.payload_fields = {{"color", FieldType::kKeyword}, {"year", FieldType::kInteger}};
  record.shards = {{7, "node-a", {{0, 2048}}}, {8, "node-b", {{2048, 3000}, {3000, 4096}}}};
  record.revision = 42;
  record.description = "of the front door";
  return record;
}

CollectionRecord Trained() {
  CollectionRecord record = Young();
  record.serving_version = "0123456789abcdef0123456789abcdef";
  record.previous_version = "fedcba9876543210fedcba9876543210";
  record.recall = {{1, 0.5, 0.001, 0.48, 160}, {32, 0.975, 0.0125, 0.97, 160}};
  IndexVersionRecord version;
  version.version = record.serving_version;
  version.lists = 2048;
  version.subspaces = 20;
  version.plane_b_bytes = 80;
  version.recall = record.recall;
  version.comparison = {record.previous_version,     0.95,  {24, 0.96, 0.01, 0.95, 160},
                        {40, 0.94, 0.03, 0.93, 400}, 0.025, 0.0125};
  record.versions = {version, version};
  return record;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const CollectionRecord& record : {Young(), Trained()}) {
    const std::string bytes = EncodeCollectionRecord(record);
    seeds.push_back(bytes);
    seeds.push_back(bytes.substr(0, bytes.size() - 8));
  }
  seeds.push_back(EncodeAliases({}));
  seeds.push_back(EncodeAliases({{"current", "faces-80"}, {"next", "faces-512"}}));
  return seeds;
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  kith::fuzz::Take(input);
  kith::fuzz::Take(kith::fuzz::WithChecksum(input));
  return 0;
}
