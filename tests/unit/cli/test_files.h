#ifndef KITH_TESTS_UNIT_CLI_TEST_FILES_H_
#define KITH_TESTS_UNIT_CLI_TEST_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace kith::cli {

// A folder of its own, removed with what is in it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void WriteText(const std::string& path, const std::string& content);
std::string ReadText(const std::string& path);
bool Exists(const std::string& path);
std::vector<std::string> Lines(const std::string& text);

// fbin, u8bin and fvecs files of the given rows.
std::string BinBytes(uint32_t rows, uint32_t dimension, const std::string& elements);
void WriteFbin(const std::string& path, const std::vector<std::vector<float>>& rows);
void WriteU8bin(const std::string& path, const std::vector<std::vector<uint8_t>>& rows);
void WriteFvecs(const std::string& path, const std::vector<std::vector<float>>& rows);
// An npy file of version 1.0 around such a dictionary.
std::string NpyBytes(const std::string& dictionary, const std::string& elements);
// The same of a plain array: "(2, 3)".
std::string NpyArray(const std::string& descr, const std::string& shape,
                     const std::string& elements);
template <typename Element>
std::string BytesOf(const std::vector<Element>& elements) {
  return std::string(reinterpret_cast<const char*>(elements.data()),
                     elements.size() * sizeof(Element));
}
// Row i is {i, i + 1, ..}: every row differs.
std::vector<std::vector<float>> CountingRows(uint32_t rows, uint32_t dimension);

}  // namespace kith::cli

#endif  // KITH_TESTS_UNIT_CLI_TEST_FILES_H_
