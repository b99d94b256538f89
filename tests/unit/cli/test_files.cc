#include "tests/unit/cli/test_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace kith::cli {
namespace {

std::string Word(uint32_t value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename Element>
std::string Bytes(const std::vector<Element>& row) {
  return std::string(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(Element));
}

template <typename Element>
std::string AllBytes(const std::vector<std::vector<Element>>& rows) {
  std::string bytes;
  for (const auto& row : rows) bytes += Bytes(row);
  return bytes;
}

}  // namespace

TestFolder::TestFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "kith-cli-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
  std::filesystem::remove_all(path_, ignored);
}

void WriteText(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

bool Exists(const std::string& path) { return std::filesystem::exists(path); }

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string BinBytes(uint32_t rows, uint32_t dimension, const std::string& elements) {
  return Word(rows) + Word(dimension) + elements;
}

void WriteFbin(const std::string& path, const std::vector<std::vector<float>>& rows) {
  WriteText(path, BinBytes(static_cast<uint32_t>(rows.size()),
                           static_cast<uint32_t>(rows[0].size()), AllBytes(rows)));
}

void WriteU8bin(const std::string& path, const std::vector<std::vector<uint8_t>>& rows) {
  WriteText(path, BinBytes(static_cast<uint32_t>(rows.size()),
                           static_cast<uint32_t>(rows[0].size()), AllBytes(rows)));
}

void WriteFvecs(const std::string& path, const std::vector<std::vector<float>>& rows) {
  std::string bytes;
  for (const auto& row : rows) bytes += Word(static_cast<uint32_t>(row.size())) + Bytes(row);
  WriteText(path, bytes);
}

std::string NpyBytes(const std::string& dictionary, const std::string& elements) {
  const auto length = static_cast<uint16_t>(dictionary.size());
  return std::string("\x93NUMPY\x01\x00", 8) +
         std::string(reinterpret_cast<const char*>(&length), 2) + dictionary + elements;
}

std::string NpyArray(const std::string& descr, const std::string& shape,
                     const std::string& elements) {
  return NpyBytes("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n",
                  elements);
}

std::vector<std::vector<float>> CountingRows(uint32_t rows, uint32_t dimension) {
  std::vector<std::vector<float>> all(rows, std::vector<float>(dimension));
  for (uint32_t i = 0; i < rows; ++i) {
    for (uint32_t j = 0; j < dimension; ++j) all[i][j] = static_cast<float>(i + j);
  }
  return all;
}

}  // namespace kith::cli
