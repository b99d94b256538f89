#ifndef KITH_COMMON_AUTH_KEY_STORE_H_
#define KITH_COMMON_AUTH_KEY_STORE_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "common/auth/key_file.h"
#include "common/auth/private_file.h"

namespace kith::auth {

// The keys of a file, read again when it changes. A call keeps the set that it began with.
// Threads: any; Refresh one at a time.
class KeyStore {
 public:
  // As ReadKeyFile.
  static absl::StatusOr<std::unique_ptr<KeyStore>> Open(const std::string& path);

  std::shared_ptr<const KeySet> keys() const;
  // Looks whether the file has changed since it was last looked at, and reads it then. True where
  // other keys hold now. Of a file that is wrong, or gone, the error comes once, and the keys from
  // before stay: a slip of an editor must not lock everyone out.
  absl::StatusOr<bool> Refresh();

 private:
  explicit KeyStore(std::string path) : path_(std::move(path)) {}
  absl::Status Read();

  const std::string path_;
  FileMark mark_;  // of what was last read, well or not
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
};

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_KEY_STORE_H_
