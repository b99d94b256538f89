#ifndef KITH_CLI_DATA_VECTOR_FORMAT_H_
#define KITH_CLI_DATA_VECTOR_FORMAT_H_

#include <string>
#include <string_view>

#include "cli/data/file_element.h"

namespace kith::cli {

// A format of data files: docs/dataset.md has them as a table.
struct VectorFormat {
  enum class Kind { kBin, kVecs, kNpy, kJsonl };
  std::string_view name;  // and, behind a dot, the ending of such files
  Kind kind = Kind::kBin;
  FileElement element = FileElement::kF32;  // an npy file says its own
  bool is_text() const { return kind == Kind::kJsonl; }
};

const VectorFormat* FindFormat(std::string_view name);  // null where there is none
// By the ending of the path (.ndjson is .jsonl); null where it names none.
const VectorFormat* FormatOfPath(const std::string& path);
// ".fbin, .u8bin, ..." in one line, for messages and help.
std::string BinaryEndings();
std::string AllEndings();

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_VECTOR_FORMAT_H_
