#ifndef KITH_COORDINATOR_WRITE_BODY_HASHER_H_
#define KITH_COORDINATOR_WRITE_BODY_HASHER_H_

#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace kith::coordinator {

// XXH3-128 of several parts. Lengths are part of the hash, so that no two bodies run together into
// the same bytes.
class BodyHasher {
 public:
  BodyHasher() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }

  void Add(const void* bytes, size_t size) {
    const uint64_t length = size;
    XXH3_128bits_update(state_.get(), &length, sizeof(length));
    XXH3_128bits_update(state_.get(), bytes, size);
  }
  void Add(std::string_view text) { Add(text.data(), text.size()); }
  void Add(uint64_t number) { Add(&number, sizeof(number)); }

  // 16 bytes.
  std::string Take() {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    return {reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)};
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_WRITE_BODY_HASHER_H_
