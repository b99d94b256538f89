#ifndef KITH_CLI_DATA_PAYLOAD_TEXT_H_
#define KITH_CLI_DATA_PAYLOAD_TEXT_H_

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

// Payloads are bytes; a line of JSON shows those that are JSON as what they say.
namespace kith::cli {

// Writing a value descends once a level: what nests deeper is not read.
inline constexpr int kNestingMax = 64;
bool NestsDeeper(std::string_view json, int levels);

// Members of one object are kept in order, and each is compared with those before it: of what a
// line may hold they would take minutes.
inline constexpr size_t kMembersMax = 10'000;
bool HasMoreMembers(std::string_view json, size_t members);

// The bytes that a payload read from a line of JSON becomes.
std::string PayloadText(const nlohmann::ordered_json& value);
// Whether `payload` stands in a line of JSON so that reading that line gives these very bytes.
bool IsKeptByJson(const std::string& payload);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_PAYLOAD_TEXT_H_
