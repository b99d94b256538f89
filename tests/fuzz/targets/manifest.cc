// The manifest of a shard copy.
#include "shard/maintenance/manifest.h"

#include "tests/fuzz/target.h"

namespace kith::fuzz {

std::vector<std::string> Seeds() {
  shard::Manifest manifest;
  manifest.lsn = 77;
  manifest.row_end = 1000;
  manifest.next_file = 9;
  const std::string young = shard::EncodeManifest(manifest);
  manifest.tombstones = "000008.dead";
  manifest.indexes.push_back(
      {"0123456789abcdef0123456789abcdef", 900, true, {"000001.seg", "000002.seg"}});
  manifest.indexes.push_back({"fedcba9876543210fedcba9876543210", 0, false, {}});
  return {young, shard::EncodeManifest(manifest)};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith;
  const auto manifest = shard::DecodeManifest({reinterpret_cast<const char*>(data), size});
  if (!manifest.ok()) return 0;
  const std::string encoded = shard::EncodeManifest(*manifest);
  const auto again = shard::DecodeManifest(encoded);
  fuzz::Require(again.ok() && shard::EncodeManifest(*again) == encoded && encoded.size() == size,
                "a manifest comes back as it was");
  return 0;
}
