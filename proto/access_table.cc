// Makes the table of who may call what from the options of the methods, and fails the build where a
// method does not say it, or says what cannot be checked:
//
//   kith_access_table DESCRIPTORS.bin OUT.inc     a FileDescriptorSet with imports; rows for
//                                                 common/rpc/access_rules.cc
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "kith/v1/access.pb.h"

namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using kith::v1::AccessRule;

// The last field of a dotted path, nullptr where there is none. All before it are messages.
const FieldDescriptor* FieldAt(const Descriptor* message, const std::string& path) {
  std::istringstream names(path);
  const FieldDescriptor* field = nullptr;
  for (std::string name; std::getline(names, name, '.');) {
    if (field != nullptr) message = field->message_type();
    field = message == nullptr ? nullptr : message->FindFieldByName(name);
    if (field == nullptr) return nullptr;
  }
  return field;
}

// The paths of all fields `collection`, also in messages within; `above` are those it is within.
std::vector<std::string> CollectionsIn(const Descriptor* message,
                                       std::set<const Descriptor*> above = {}) {
  std::vector<std::string> paths;
  if (!above.insert(message).second) return paths;  // filters hold filters
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor& field = *message->field(i);
    if (field.name() == "collection" || field.name() == "collections")
      paths.push_back(field.name());
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    for (const std::string& path : CollectionsIn(field.message_type(), above)) {
      paths.push_back(field.name() + "." + path);
    }
  }
  return paths;
}

bool IsText(const FieldDescriptor* field) {
  return field != nullptr && field->type() == FieldDescriptor::TYPE_STRING;
}

bool IsCountable(const FieldDescriptor& field) {
  const auto type = field.cpp_type();
  return field.is_repeated() || type == FieldDescriptor::CPPTYPE_MESSAGE ||
         type == FieldDescriptor::CPPTYPE_UINT32 || type == FieldDescriptor::CPPTYPE_UINT64;
}

class Table {
 public:
  void Add(const MethodDescriptor& method) {
    const AccessRule rule = method.options().GetExtension(kith::v1::access);
    if (rule.role() == kith::v1::ACCESS_ROLE_UNSPECIFIED) {
      return Wrong(method, "does not say who may call it: give it `option (access) = {role: ...}`");
    }
    const auto [first, is_new] = named_.emplace(method.name(), method.full_name());
    if (!is_new) return Wrong(method, "has the name of " + first->second + ": rules go by name");
    if (rule.role() == kith::v1::ACCESS_ROLE_NODE) {
      if (rule.collection_size() + rule.name_size() > 0 || rule.reach() != 0)
        Wrong(method, "is for nodes alone");
      return;
    }
    CheckCollections(method, rule);
    for (const std::string& path : rule.vectors()) {
      const FieldDescriptor* const field = FieldAt(method.input_type(), path);
      if (field == nullptr || !IsCountable(*field)) Wrong(method, "cannot count `" + path + "`");
    }
    for (const std::string& path : rule.subject()) {
      if (!IsText(FieldAt(method.input_type(), path))) {
        Wrong(method, "is about `" + path + "`, which is no string of its request");
      }
    }
    Print(method, rule);
  }
  bool is_good() const { return good_; }
  std::string rows() const { return rows_.str(); }

 private:
  void Wrong(const MethodDescriptor& method, const std::string& what) {
    std::cerr << method.file()->name() << ": " << method.full_name() << " " << what
              << " (proto/kith/v1/access.proto)\n";
    good_ = false;
  }

  void CheckCollections(const MethodDescriptor& method, const AccessRule& rule) {
    std::set<std::string> named(rule.collection().begin(), rule.collection().end());
    named.insert(rule.name().begin(), rule.name().end());
    const bool reaches = rule.reach() != kith::v1::ACCESS_REACH_UNSPECIFIED;
    const bool anyone = rule.role() == kith::v1::ACCESS_ROLE_ANYONE;
    if (!named.empty() + reaches + anyone != 1) {
      return Wrong(method, "must have either `collection` or `name`, or `reach`, or be for anyone");
    }
    for (const std::string& path : named) {
      if (!IsText(FieldAt(method.input_type(), path))) {
        Wrong(method, "names the collection by `" + path + "`, which is no string of its request");
      }
    }
    if (reaches || anyone) return;
    // A field of that name which the rule forgets would be a hole.
    for (const std::string& path : CollectionsIn(method.input_type())) {
      if (named.count(path) == 0) {
        Wrong(method, "has a field `" + path + "` that its rule leaves out");
      }
    }
  }

  template <typename Paths>
  static std::string List(const Paths& paths) {
    std::string list;
    for (const std::string& path : paths) list += (list.empty() ? "\"" : ", \"") + path + "\"";
    return "{" + list + "}";
  }

  void Print(const MethodDescriptor& method, const AccessRule& rule) {
    static const std::map<int, std::string> kRoles = {{kith::v1::ACCESS_ROLE_ANYONE, "kAnyone"},
                                                      {kith::v1::ACCESS_ROLE_READ, "kRead"},
                                                      {kith::v1::ACCESS_ROLE_WRITE, "kWrite"},
                                                      {kith::v1::ACCESS_ROLE_ADMIN, "kAdmin"}};
    static const std::map<int, std::string> kReaches = {
        {kith::v1::ACCESS_REACH_UNSPECIFIED, "kNamed"},
        {kith::v1::ACCESS_REACH_SOME, "kSome"},
        {kith::v1::ACCESS_REACH_ALL, "kAll"}};
    rows_ << "{\"" << method.name() << "\", \"" << method.service()->full_name() << "\", \""
          << method.input_type()->full_name() << "\", auth::Role::" << kRoles.at(rule.role())
          << ", Reach::" << kReaches.at(rule.reach()) << ", " << List(rule.collection()) << ", "
          << List(rule.name()) << ", " << List(rule.vectors()) << ", " << List(rule.subject())
          << "},\n";
  }

  std::map<std::string, std::string> named_;
  std::ostringstream rows_;
  bool good_ = true;
};

void AddServices(const FileDescriptor& file, Table& table) {
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m) {
      table.Add(*file.service(s)->method(m));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: kith_access_table DESCRIPTORS.bin OUT.inc\n";
    return 2;
  }
  google::protobuf::FileDescriptorSet set;
  std::ifstream in(argv[1], std::ios::binary);
  if (!set.ParseFromIstream(&in)) {
    std::cerr << argv[1] << " holds no descriptors\n";
    return 1;
  }
  DescriptorPool pool;
  Table table;
  for (const auto& one : set.file()) {
    const FileDescriptor* const file = pool.BuildFile(one);
    if (file == nullptr) return 1;
    AddServices(*file, table);
  }
  if (!table.is_good()) return 1;
  std::ofstream out(argv[2]);
  out << "// Made by proto/access_table.cc from the options of proto/kith/v1.\n" << table.rows();
  return out.good() ? 0 : 1;
}
