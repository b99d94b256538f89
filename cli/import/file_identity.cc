#include "cli/import/file_identity.h"

#include <absl/strings/escaping.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kWholeMax = 64 << 20;
constexpr uint64_t kEnd = 1 << 20;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kPages = 1024;

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

// Threads: one at a time.
class FileHasher {
 public:
  explicit FileHasher(const ReadOnlyFile& file) : file_(file), state_(XXH3_createState()) {
    XXH3_128bits_reset(state_.get());
    AddNumber(file.size());
  }

  void AddNumber(uint64_t number) { XXH3_128bits_update(state_.get(), &number, sizeof(number)); }

  absl::Status Add(uint64_t offset, uint64_t length) {
    while (length > 0) {
      buffer_.resize(std::min(length, kEnd));
      KITH_RETURN_IF_ERROR(file_.ReadAt(offset, buffer_));
      XXH3_128bits_update(state_.get(), buffer_.data(), buffer_.size());
      offset += buffer_.size();
      length -= buffer_.size();
    }
    return absl::OkStatus();
  }

  Hash128 Result() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    Hash128 hash;
    std::memcpy(hash.data(), canonical.digest, hash.size());
    return hash;
  }

 private:
  const ReadOnlyFile& file_;
  std::unique_ptr<XXH3_state_t, FreeState> state_;
  std::vector<std::byte> buffer_;
};

}  // namespace

std::string ToHex(const Hash128& hash) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

absl::StatusOr<Hash128> Hash128FromHex(std::string_view text) {
  const bool digits =
      text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!digits) return absl::InvalidArgumentError("not 32 hexadecimal digits");
  const std::string bytes = absl::HexStringToBytes(ToAbsl(text));
  Hash128 hash;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

Hash128 HashOf(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  Hash128 hash;
  std::memcpy(hash.data(), canonical.digest, hash.size());
  return hash;
}

absl::StatusOr<Hash128> FileIdentity(const ReadOnlyFile& file) {
  FileHasher hasher(file);
  if (file.size() <= kWholeMax) {
    KITH_RETURN_IF_ERROR(hasher.Add(0, file.size()));
    return hasher.Result();
  }
  KITH_RETURN_IF_ERROR(hasher.Add(0, kEnd));
  const uint64_t between = file.size() - 2 * kEnd - kPage;
  for (uint64_t i = 0; i < kPages; ++i) {
    KITH_RETURN_IF_ERROR(hasher.Add(kEnd + between / kPages * i, kPage));
  }
  KITH_RETURN_IF_ERROR(hasher.Add(file.size() - kEnd, kEnd));
  hasher.AddNumber(file.modified_ns());
  return hasher.Result();
}

}  // namespace kith::cli
