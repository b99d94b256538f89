#ifndef KITH_COMMON_BASE_BYTE_READER_H_
#define KITH_COMMON_BASE_BYTE_READER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kith {

// Reads little-endian numbers and texts behind their size; once something is missing every read
// gives zero and ok() is false. Threads: one at a time.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : left_(bytes) {}
  uint8_t U8() { return static_cast<uint8_t>(Fixed(1)); }
  uint32_t U32() { return static_cast<uint32_t>(Fixed(4)); }
  uint64_t U64() { return Fixed(8); }
  double F64() { return std::bit_cast<double>(Fixed(8)); }
  std::string Text() { return std::string(Raw(U32())); }
  std::string_view Raw(size_t size) {
    if (size > left_.size()) {
      Fail();
      return {};
    }
    const std::string_view raw = left_.substr(0, size);
    left_.remove_prefix(size);
    return raw;
  }
  // A count of things of at least `bytes_each`: what cannot be there is not allocated.
  uint32_t Count(size_t bytes_each) {
    const uint32_t count = U32();
    if (count > left_.size() / bytes_each) {
      Fail();
      return 0;
    }
    return count;
  }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && left_.empty(); }

 private:
  void Fail() {
    ok_ = false;
    left_ = {};
  }
  uint64_t Fixed(size_t width) {
    const std::string_view raw = Raw(width);
    uint64_t value = 0;
    for (size_t i = 0; i < raw.size(); ++i) {
      value |= uint64_t{static_cast<uint8_t>(raw[i])} << (8 * i);
    }
    return value;
  }
  std::string_view left_;
  bool ok_ = true;
};

}  // namespace kith

#endif  // KITH_COMMON_BASE_BYTE_READER_H_
