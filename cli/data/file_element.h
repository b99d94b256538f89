#ifndef KITH_CLI_DATA_FILE_ELEMENT_H_
#define KITH_CLI_DATA_FILE_ELEMENT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/vector/element.h"

namespace kith::cli {

// What one element of a data file is, little-endian.
enum class FileElement : uint8_t { kF32, kF16, kF64, kU8, kI8, kI32, kI64 };

size_t SizeOf(FileElement element);
std::string_view NameOf(FileElement element);  // "f32", "i8", ...
bool HasFractions(FileElement element);
// What a reader makes of it: u8 stays, everything else becomes f32.
ElementType LoadedType(FileElement element);

// Appends the elements as their LoadedType; an f64 is rounded to the nearest f32. Answers how many
// it appended: fewer than there are where the next is a whole number that an f32 cannot hold.
size_t AppendLoaded(FileElement element, std::span<const std::byte> bytes,
                    std::vector<std::byte>& out);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_FILE_ELEMENT_H_
