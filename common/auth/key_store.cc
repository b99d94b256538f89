#include "common/auth/key_store.h"

#include "common/base/status.h"

namespace kith::auth {

absl::StatusOr<std::unique_ptr<KeyStore>> KeyStore::Open(const std::string& path) {
  auto store = std::unique_ptr<KeyStore>(new KeyStore(path));
  KITH_RETURN_IF_ERROR(store->Read());
  return store;
}

std::shared_ptr<const KeySet> KeyStore::keys() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

absl::StatusOr<bool> KeyStore::Refresh() {
  if (MarkOf(path_) == mark_) return false;
  KITH_RETURN_IF_ERROR(Read());
  return true;
}

absl::Status KeyStore::Read() {
  mark_ = MarkOf(path_);  // before the text: what is written meanwhile is another change
  KITH_ASSIGN_OR_RETURN(std::vector<AccessKey> keys, ReadKeyFile(path_));
  auto set = std::make_shared<const KeySet>(std::move(keys));
  std::lock_guard lock(mutex_);
  keys_ = std::move(set);
  return absl::OkStatus();
}

}  // namespace kith::auth
