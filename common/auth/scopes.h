#ifndef KITH_COMMON_AUTH_SCOPES_H_
#define KITH_COMMON_AUTH_SCOPES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kith::auth {

// What a call needs. Each includes those before it.
enum class Role : uint8_t { kAnyone, kRead, kWrite, kAdmin };

const char* RoleName(Role role);  // "read"

// The collections that a key may read, write and administer: names, in which '*' stands for any
// text.
struct Scopes {
  std::vector<std::string> read;
  std::vector<std::string> write;
  std::vector<std::string> admin;

  bool operator==(const Scopes&) const = default;
};

// The most that a key may do with the collection.
Role RoleFor(const Scopes& scopes, std::string_view collection);
// The most that it may do with any one.
Role HighestRole(const Scopes& scopes);
// Whether it has the role for all collections, those to come too.
bool HasForAll(const Scopes& scopes, Role role);

// 1 to 63 of a-z, 0-9, '_', '-' and '*'.
bool IsPattern(std::string_view text);
bool Matches(std::string_view pattern, std::string_view name);

}  // namespace kith::auth

#endif  // KITH_COMMON_AUTH_SCOPES_H_
