#include "shard/storage/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

#include "absl/strings/escaping.h"

namespace kith::storage {
namespace {

// The library has it compiled in: where it fails nothing else can be relied on either.
void Must(int result) {
  if (result != 1) std::abort();
}

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* state = EVP_MD_CTX_new();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  Must(EVP_DigestInit_ex(context_->state, EVP_sha256(), nullptr));
}

Sha256::~Sha256() { EVP_MD_CTX_free(context_->state); }

void Sha256::Add(std::string_view bytes) {
  Must(EVP_DigestUpdate(context_->state, bytes.data(), bytes.size()));
}

std::string Sha256::Finish() {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Must(EVP_DigestFinal_ex(context_->state, hash, &size));
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash), size});
}

}  // namespace kith::storage
