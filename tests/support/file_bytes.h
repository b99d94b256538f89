#ifndef KITH_TESTS_SUPPORT_FILE_BYTES_H_
#define KITH_TESTS_SUPPORT_FILE_BYTES_H_

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace kith::test {

inline std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

inline void WriteBytes(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace kith::test

#endif  // KITH_TESTS_SUPPORT_FILE_BYTES_H_
