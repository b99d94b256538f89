#include "common/auth/scopes.h"

#include <algorithm>

#include "common/base/limits.h"

namespace kith::auth {
namespace {

bool AnyMatches(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return Matches(pattern, name); });
}

bool NamesAll(const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [](const std::string& pattern) {
    return pattern.find_first_not_of('*') == std::string::npos;
  });
}

}  // namespace

const char* RoleName(Role role) {
  switch (role) {
    case Role::kRead:
      return "read";
    case Role::kWrite:
      return "write";
    case Role::kAdmin:
      return "admin";
    case Role::kAnyone:
      break;
  }
  return "none";
}

Role RoleFor(const Scopes& scopes, std::string_view collection) {
  if (AnyMatches(scopes.admin, collection)) return Role::kAdmin;
  if (AnyMatches(scopes.write, collection)) return Role::kWrite;
  if (AnyMatches(scopes.read, collection)) return Role::kRead;
  return Role::kAnyone;
}

Role HighestRole(const Scopes& scopes) {
  if (!scopes.admin.empty()) return Role::kAdmin;
  if (!scopes.write.empty()) return Role::kWrite;
  return scopes.read.empty() ? Role::kAnyone : Role::kRead;
}

bool HasForAll(const Scopes& scopes, Role role) {
  return (role <= Role::kAdmin && NamesAll(scopes.admin)) ||
         (role <= Role::kWrite && NamesAll(scopes.write)) ||
         (role <= Role::kRead && NamesAll(scopes.read));
}

bool IsPattern(std::string_view text) {
  return !text.empty() && text.size() <= limits::kCollectionNameBytesMax &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-*") ==
             std::string_view::npos;
}

// Goes back to the last star alone, so that no pattern costs more than its length times the name's.
bool Matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t star_end = 0;  // what of the name the star has taken so far
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace kith::auth
