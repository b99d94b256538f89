#ifndef KITH_TESTS_FUZZ_FUZZ_INPUT_H_
#define KITH_TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kith::fuzz {

// Takes an input apart from its front. What is used up reads as zeros.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  explicit FuzzInput(std::string_view text) : rest_(text) {}

  template <typename T>
  T Number() {
    T value{};
    const std::string_view bytes = Bytes(sizeof(T));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  uint8_t Byte() { return Number<uint8_t>(); }
  std::string_view Bytes(size_t most) {
    const std::string_view bytes = rest_.substr(0, most);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  // Up to the next `end`, which is taken too, or all.
  std::string_view Until(char end) {
    const std::string_view text = rest_.substr(0, rest_.find(end));
    rest_.remove_prefix(std::min(text.size() + 1, rest_.size()));
    return text;
  }
  std::string_view Rest() { return Bytes(rest_.size()); }
  size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_FUZZ_INPUT_H_
