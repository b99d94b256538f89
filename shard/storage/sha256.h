#ifndef KITH_SHARD_STORAGE_SHA256_H_
#define KITH_SHARD_STORAGE_SHA256_H_

#include <memory>
#include <string>
#include <string_view>

namespace kith::storage {

inline constexpr size_t kSha256Digits = 64;

// SHA-256 of what is added. Of backups' files: there a file is taken for another by its hash alone,
// so nobody may be able to make two with the same one, and of XXH3 one can. Threads: one at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view bytes);
  // 64 lower-case hex digits, once, at the end.
  std::string Finish();

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_SHA256_H_
