#ifndef KITH_TESTS_UNIT_AUTH_MADE_KEYS_H_
#define KITH_TESTS_UNIT_AUTH_MADE_KEYS_H_

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <utility>

#include "common/auth/access_key.h"
#include "common/base/clock.h"

namespace kith::auth {

struct MadeKey {
  AccessKey key;
  std::string text;  // what a client presents
};

inline MadeKey MakeKey(std::string id, Scopes scopes) {
  MadeKey made;
  made.key.id = std::move(id);
  made.key.scopes = std::move(scopes);
  made.text = NewSecret(made.key);
  return made;
}

inline void WriteFile(const std::string& path, const std::string& text, mode_t rights = 0600) {
  std::ofstream(path) << text;
  chmod(path.c_str(), rights);
}

// Stands still until it is moved.
class HeldClock final : public Clock {
 public:
  Deadline Now() const override { return now_; }
  uint64_t UnixMs() const override { return unix_ms_; }
  void Advance(std::chrono::milliseconds by) {
    now_ += by;
    unix_ms_ += static_cast<uint64_t>(by.count());
  }

 private:
  Deadline now_ = Deadline{} + std::chrono::hours(1);
  uint64_t unix_ms_ = 1'700'000'000'123;
};

}  // namespace kith::auth

#endif  // KITH_TESTS_UNIT_AUTH_MADE_KEYS_H_
