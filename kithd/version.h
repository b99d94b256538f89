#ifndef KITH_KITHD_VERSION_H_
#define KITH_KITHD_VERSION_H_

namespace kith::kithd {

inline constexpr char kVersion[] = KITH_VERSION;  // of the project, from CMakeLists.txt

}  // namespace kith::kithd

#endif  // KITH_KITHD_VERSION_H_
