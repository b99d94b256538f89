#include "cli/data/npy_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "cli/data/row_layout.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kVersionAt = 6;
constexpr size_t kLengthAt = 8;
constexpr uint32_t kHeaderBytesMax = 64 << 10;  // numpy itself trusts 10,000

// The dictionary, one token after another. What it does not know is an error, never skipped.
class DictionaryParser {
 public:
  explicit DictionaryParser(std::string_view text) : rest_(text) {}

  // nullopt where the text is no such dictionary.
  bool Parse(NpyHeader& header, std::string& order) {
    if (!Take('{')) return false;
    bool has_descr = false;
    bool has_shape = false;
    while (!Take('}')) {
      const std::optional<std::string> key = Quoted();
      if (!key.has_value() || !Take(':')) return false;
      if (*key == "descr" && !has_descr) {
        has_descr = Descr(header.descr);
        if (!has_descr) return false;
      } else if (*key == "fortran_order" && order.empty()) {
        order = Word();
        if (order != "True" && order != "False") return false;
      } else if (*key == "shape" && !has_shape) {
        has_shape = Shape(header.shape);
        if (!has_shape) return false;
      } else {
        return false;
      }
      if (!Take(',') && !Peek('}')) return false;
    }
    SkipSpace();
    return rest_.empty() && has_descr && has_shape && !order.empty();
  }

 private:
  void SkipSpace() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  bool Peek(char wanted) {
    SkipSpace();
    return !rest_.empty() && rest_[0] == wanted;
  }
  bool Take(char wanted) {
    if (!Peek(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> Quoted() {
    SkipSpace();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return std::nullopt;
    const size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string Word() {
    SkipSpace();
    const size_t end = std::min(rest_.find_first_of(",} \t\r\n"), rest_.size());
    std::string word(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return word;
  }
  // A list stands for the fields of a structured type; it is not looked into.
  bool Descr(std::string& descr) {
    if (!Peek('[')) {
      const std::optional<std::string> text = Quoted();
      descr = text.value_or("");
      return text.has_value();
    }
    const size_t end = rest_.rfind(']');
    if (end == std::string_view::npos) return false;
    descr = rest_.substr(0, end + 1);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool Number(uint64_t& number) {
    SkipSpace();
    const size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    if (end == 0 || end > 19) return false;  // 10^19 - 1 fits
    number = 0;
    for (const char digit : rest_.substr(0, end)) {
      number = number * 10 + static_cast<uint64_t>(digit - '0');
    }
    rest_.remove_prefix(end);
    return true;
  }
  bool Shape(std::vector<uint64_t>& shape) {
    if (!Take('(')) return false;
    while (!Take(')')) {
      uint64_t number = 0;
      if (!Number(number)) return false;
      shape.push_back(number);
      if (!Take(',') && !Peek(')')) return false;
    }
    return true;
  }

  std::string_view rest_;
};

// Where the dictionary begins, and how long it is.
absl::StatusOr<std::pair<uint64_t, uint32_t>> FindDictionary(const ReadOnlyFile& file) {
  std::array<char, 12> begin{};
  const size_t held = std::min<uint64_t>(begin.size(), file.size());
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(begin)).first(held)));
  if (held < kLengthAt || std::string_view(begin.data(), kMagic.size()) != kMagic) {
    return BadFile(file, "does not begin as an npy file does; write it with numpy.save");
  }
  const int version = static_cast<uint8_t>(begin[kVersionAt]);
  if (version < 1 || version > 3 || begin[kVersionAt + 1] != 0) {
    return BadFile(file, fmt::format("is npy of version {}.{}; 1.0, 2.0 and 3.0 are read", version,
                                     static_cast<uint8_t>(begin[kVersionAt + 1])));
  }
  const size_t width = version == 1 ? 2 : 4;
  uint32_t length = 0;
  if (held >= kLengthAt + width) std::memcpy(&length, begin.data() + kLengthAt, width);
  const uint64_t at = kLengthAt + width;
  if (length > kHeaderBytesMax || file.size() < at + length) {
    return BadFile(file, fmt::format("its header should have {} bytes (at most {} are read), but "
                                     "the file has {} in all: it is cut off or damaged; copy it "
                                     "again",
                                     length, kHeaderBytesMax, file.size()));
  }
  return std::pair(at, length);
}

}  // namespace

absl::StatusOr<NpyHeader> ReadNpyHeader(const ReadOnlyFile& file) {
  KITH_ASSIGN_OR_RETURN(const auto place, FindDictionary(file));
  const auto [at, length] = place;
  std::string text(length, '\0');
  KITH_RETURN_IF_ERROR(file.ReadAt(at, std::as_writable_bytes(std::span(text))));
  NpyHeader header;
  header.data_at = at + length;
  std::string order;
  if (!DictionaryParser(text).Parse(header, order)) {
    return BadFile(file, fmt::format("its header is no dictionary of descr, fortran_order and a "
                                     "shape of whole numbers from 0 on (\"{}\"): it is damaged; "
                                     "save it again",
                                     text.substr(0, 100)));
  }
  if (!header.descr.empty() && (header.descr[0] == '[' || header.descr.find('O') != text.npos)) {
    return BadFile(file,
                   "holds fields or Python objects, not plain numbers; save one array of "
                   "numbers, such as a.astype('<f4')");
  }
  if (order == "True") {
    return BadFile(file,
                   "is in Fortran order, column by column; save numpy.ascontiguousarray(a) "
                   "instead");
  }
  return header;
}

std::string NpyHeaderText(std::string_view descr, uint64_t rows, uint32_t columns) {
  constexpr uint16_t kLength = kNpyHeaderBytes - kLengthAt - 2;
  std::string text(kMagic);
  text += std::string_view("\x01\x00", 2);
  text.append(reinterpret_cast<const char*>(&kLength), sizeof(kLength));
  text += fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({},{}), }}", descr, rows,
                      columns == 0 ? "" : fmt::format(" {}", columns));
  text.resize(kNpyHeaderBytes - 1, ' ');
  return text + '\n';
}

std::string_view NpyDescr(FileElement element) {
  constexpr std::string_view kDescrs[] = {"<f4", "<f2", "<f8", "|u1", "|i1", "<i4", "<i8"};
  return kDescrs[static_cast<size_t>(element)];
}

}  // namespace kith::cli
