#ifndef KITH_INDEX_CONTENT_HASH_H_
#define KITH_INDEX_CONTENT_HASH_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kith::index {

// A 128-bit name for some bytes, and the proof that they are unharmed; no protection against
// someone who wants two contents of one name.
//
// Two 64-bit lanes each take every 8-byte word (the last one padded with zeros) by steps that are
// bijections of the lane and of the word, so a change inside a single word always shows; the length
// goes in last, then the lanes are mixed into each other. On disk: never change.
using ContentHash = std::array<uint64_t, 2>;

ContentHash HashContent(std::string_view bytes);

// 32 lower-case hex digits, the first lane first.
std::string HexDigits(const ContentHash& hash);

}  // namespace kith::index

#endif  // KITH_INDEX_CONTENT_HASH_H_
