# cmake -DINPUT=file -DOUTPUT=file.cc -P embed.cmake: the bytes of a file as a constant of the program.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE "${OUTPUT}" "#include <cstddef>
namespace kith::http {
extern const unsigned char kApiDescriptorBytes[];
extern const size_t kApiDescriptorSize;
const unsigned char kApiDescriptorBytes[] = {
${bytes}
};
const size_t kApiDescriptorSize = sizeof(kApiDescriptorBytes);
}  // namespace kith::http
")
