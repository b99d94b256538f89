#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "cli/data/npy_header.h"
#include "cli/data/vector_reader.h"
#include "common/base/status.h"
#include "tests/unit/cli/test_files.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Npy : public ::testing::Test {
 protected:
  absl::StatusOr<VectorMatrix> Load(const std::string& content) {
    WriteText(folder_ / "a.npy", content);
    return LoadVectors(folder_ / "a.npy", 1 << 20);
  }
  std::string MessageOf(const std::string& content) {
    const absl::Status status = Load(content).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("a.npy"));
    return std::string(status.message());
  }
  std::vector<float> Floats(const std::string& content) {
    const auto matrix = Load(content);
    EXPECT_TRUE(matrix.ok()) << matrix.status();
    if (!matrix.ok()) return {};
    std::vector<float> floats(matrix->bytes.size() / sizeof(float));
    std::memcpy(floats.data(), matrix->bytes.data(), matrix->bytes.size());
    return floats;
  }

  TestFolder folder_;
};

TEST_F(Npy, ReadsEveryElementThatItTakes) {
  EXPECT_THAT(Floats(NpyArray("<f4", "(2, 2)", BytesOf<float>({1, 2.5, -3, 4}))),
              ElementsAre(1, 2.5, -3, 4));
  EXPECT_THAT(Floats(NpyArray("<f8", "(1, 2)", BytesOf<double>({0.1, 1e300}))),
              ElementsAre(0.1f, INFINITY));
  EXPECT_THAT(Floats(NpyArray("<f2", "(1, 1)", BytesOf<_Float16>({_Float16(1.5f)}))),
              ElementsAre(1.5f));
  EXPECT_THAT(Floats(NpyArray("|i1", "(1, 2)", BytesOf<int8_t>({-1, 2}))), ElementsAre(-1, 2));
  EXPECT_THAT(Floats(NpyArray("<i4", "(1, 2)", BytesOf<int32_t>({-1, 2}))), ElementsAre(-1, 2));
  EXPECT_THAT(Floats(NpyArray("<i8", "(1, 2)", BytesOf<int64_t>({-1, int64_t{1} << 40}))),
              ElementsAre(-1, 1099511627776.0f));
  const auto bytes = Load(NpyArray("|u1", "(2, 1)", "\x07\xff"));
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->shape.element_type, ElementType::kU8);
  EXPECT_EQ(static_cast<uint8_t>(*bytes->Row(1)), 255);
}

TEST_F(Npy, ReadsVersionsTwoAndThreeWithTheirLongerLength) {
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }";
  for (const char version : {'\x02', '\x03'}) {
    const auto length = static_cast<uint32_t>(dictionary.size());
    const std::string content = std::string("\x93NUMPY") + version + '\0' +
                                BytesOf<uint32_t>({length}) + dictionary + BytesOf<float>({7});
    EXPECT_THAT(Floats(content), ElementsAre(7));
  }
  EXPECT_THAT(MessageOf(std::string("\x93NUMPY\x04\x00", 8) + "1234567890"),
              HasSubstr("version 4.0"));
}

TEST_F(Npy, ReadsADictionaryHoweverItIsSpacedAndOrdered) {
  EXPECT_THAT(
      Floats(NpyBytes("{ \"shape\":( 2 ,1, ),\t'fortran_order' : False,'descr':\"<f4\"}   \n",
                      BytesOf<float>({1, 2}))),
      ElementsAre(1, 2));
}

TEST_F(Npy, SaysWhatToSaveInsteadOfWhatItDoesNotTake) {
  const auto of_descr = [&](const std::string& descr) {
    return MessageOf(NpyArray(descr, "(1, 1)", "12345678"));
  };
  EXPECT_THAT(of_descr(">f4"), AllOf(HasSubstr("big-endian"), HasSubstr("newbyteorder")));
  EXPECT_THAT(of_descr("<c8"), HasSubstr("astype('<f4')"));
  EXPECT_THAT(of_descr("|b1"), HasSubstr("astype('<f4')"));
  EXPECT_THAT(of_descr("|O"), HasSubstr("Python objects"));
  EXPECT_THAT(MessageOf(NpyBytes(
                  "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234")),
              HasSubstr("fields"));
  EXPECT_THAT(
      MessageOf(NpyBytes("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", "1234")),
      HasSubstr("ascontiguousarray"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "(3,)", "123456789012")), HasSubstr("reshape"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "()", "1234")), HasSubstr("0 dimensions"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "(1, 1, 1)", "1234")), HasSubstr("3 dimensions"));
}

TEST_F(Npy, RefusesAFileThatIsNotAsLongAsItsShapeSays) {
  const std::string whole = NpyArray("<f4", "(2, 2)", BytesOf<float>({1, 2, 3, 4}));
  EXPECT_THAT(MessageOf(whole.substr(0, whole.size() - 1)),
              AllOf(HasSubstr("2 rows of 2 f32"), HasSubstr("cut off")));
  EXPECT_THAT(MessageOf(whole + "x"), HasSubstr("too long"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "(0, 2)", "")), HasSubstr("0 rows"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "(2, 0)", "")), HasSubstr("dimension 0"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "(2, 4097)", "")), HasSubstr("dimension 4097"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "(9999999999999999999, 4096)", "x")),
              HasSubstr("more than there can be"));
  EXPECT_THAT(MessageOf(NpyArray("<f4", "(2, 9999999999999999999)", "x")), HasSubstr("dimension"));
}

TEST_F(Npy, RefusesEveryBeginningOfAFileAndEveryDamagedByteOfItsHeaderWithoutReadingBeyondIt) {
  const std::string whole = NpyArray("<f4", "(2, 2)", BytesOf<float>({1, 2, 3, 4}));
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(Load(whole.substr(0, size)).ok());
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  const size_t begin = whole.find('{');
  size_t accepted = 0;
  for (size_t i = 0; i < begin + dictionary.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = '\x7f';
    accepted += Load(damaged).ok() ? 1 : 0;
  }
  EXPECT_EQ(accepted, 0u);
}

TEST_F(Npy, RefusesNegativeAndMalformedShapes) {
  for (const char* shape : {"(-1, 2)", "(2, -2)", "(2 2)", "(2, 2", "2, 2", "[2, 2]", "(2, x)",
                            "(,)", "(1e3, 2)", "(99999999999999999999999, 1)", "('2', 2)"}) {
    EXPECT_THAT(MessageOf(NpyArray("<f4", shape, BytesOf<float>({1, 2, 3, 4}))),
                HasSubstr("no dictionary"))
        << shape;
  }
  for (const char* dictionary :
       {"", "{}", "{'descr': '<f4', 'shape': (1, 1), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1, 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)} rest",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': <f4, 'fortran_order': False, 'shape': (1, 1)}"}) {
    EXPECT_THAT(MessageOf(NpyBytes(dictionary, "1234")), HasSubstr("no dictionary")) << dictionary;
  }
  EXPECT_THAT(MessageOf("not numpy at all"), HasSubstr("numpy.save"));
  EXPECT_THAT(MessageOf(""), HasSubstr("numpy.save"));
}

TEST_F(Npy, RefusesAHeaderThatSaysItIsHuge) {
  const std::string content = std::string("\x93NUMPY\x02\x00", 8) + BytesOf<uint32_t>({0xffffffff});
  EXPECT_THAT(MessageOf(content + std::string(100, ' ')), HasSubstr("4294967295 bytes"));
}

TEST_F(Npy, WritesAHeaderThatItReads) {
  const std::string header = NpyHeaderText("<f4", 2, 3);
  ASSERT_EQ(header.size(), kNpyHeaderBytes);
  EXPECT_EQ(header.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(header.back(), '\n');
  EXPECT_THAT(Floats(header + BytesOf<float>({1, 2, 3, 4, 5, 6})), ElementsAre(1, 2, 3, 4, 5, 6));
  WriteText(folder_ / "b.npy", NpyHeaderText("<u8", ~uint64_t{0} / 4, 0));
  const auto file = ReadOnlyFile::Open(folder_ / "b.npy");
  const auto read = ReadNpyHeader(*file);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->descr, "<u8");
  EXPECT_THAT(read->shape, ElementsAre(~uint64_t{0} / 4));
  EXPECT_EQ(read->data_at, kNpyHeaderBytes);
}

}  // namespace
}  // namespace kith::cli
