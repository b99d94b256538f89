#include "cli/data/vector_format.h"

#include <filesystem>

namespace kith::cli {
namespace {

using Kind = VectorFormat::Kind;

constexpr VectorFormat kFormats[] = {
    {"fbin", Kind::kBin, FileElement::kF32},   {"u8bin", Kind::kBin, FileElement::kU8},
    {"i8bin", Kind::kBin, FileElement::kI8},   {"f16bin", Kind::kBin, FileElement::kF16},
    {"fvecs", Kind::kVecs, FileElement::kF32}, {"bvecs", Kind::kVecs, FileElement::kU8},
    {"ivecs", Kind::kVecs, FileElement::kI32}, {"npy", Kind::kNpy, FileElement::kF32},
    {"jsonl", Kind::kJsonl, FileElement::kF32}};

template <typename Wanted>
std::string Endings(Wanted wanted) {
  std::string text;
  for (const VectorFormat& format : kFormats) {
    if (!wanted(format)) continue;
    text += text.empty() ? "." : ", .";
    text += format.name;
  }
  return text;
}

}  // namespace

const VectorFormat* FindFormat(std::string_view name) {
  for (const VectorFormat& format : kFormats) {
    if (format.name == name) return &format;
  }
  return nullptr;
}

const VectorFormat* FormatOfPath(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending == ".ndjson") return FindFormat("jsonl");
  return ending.empty() ? nullptr : FindFormat(std::string_view(ending).substr(1));
}

std::string BinaryEndings() {
  return Endings([](const VectorFormat& format) { return !format.is_text(); });
}

std::string AllEndings() {
  return Endings([](const VectorFormat&) { return true; });
}

}  // namespace kith::cli
