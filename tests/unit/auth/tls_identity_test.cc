#include "common/auth/tls_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/unit/auth/made_keys.h"

namespace kith::auth {
namespace {

using ::testing::HasSubstr;

std::string TextOf(const OpenSslPtr<BIO>& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

// A certificate that signs itself, good for the seconds from `begin` to `end` after now.
struct Made {
  OpenSslPtr<EVP_PKEY> key{EVP_EC_gen("P-256")};
  OpenSslPtr<X509> certificate{X509_new()};

  explicit Made(const std::string& name, long begin = -60, long end = 3600) {
    X509* const one = certificate.get();
    X509_set_version(one, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(one), 1);
    X509_gmtime_adj(X509_getm_notBefore(one), begin);
    X509_gmtime_adj(X509_getm_notAfter(one), end);
    X509_set_pubkey(one, key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(one), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(one, X509_get_subject_name(one));
    X509_sign(one, key.get(), EVP_sha256());
  }
  std::string CertificatePem() const {
    const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate.get());
    return TextOf(bio);
  }
  std::string KeyPem() const {
    const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return TextOf(bio);
  }
};

class TlsIdentityTest : public ::testing::Test {
 protected:
  void Put(const Made& made) {
    WriteFile(files_.certificate_file, made.CertificatePem(), 0644);
    WriteFile(files_.key_file, made.KeyPem());
  }
  std::string ErrorOfCheck() { return std::string(CheckTlsFiles(files_).message()); }

  const test::TemporaryDirectory folder_;
  TlsFiles files_ = {folder_ / "server.pem", folder_ / "server.key", ""};
};

TEST_F(TlsIdentityTest, ACertificateWithItsKeyIsGood) {
  Put(Made("a"));
  EXPECT_EQ(ErrorOfCheck(), "");
  files_.client_ca_file = files_.certificate_file;
  EXPECT_EQ(ErrorOfCheck(), "");
}

TEST_F(TlsIdentityTest, WhatIsWrongIsNamedWithItsFile) {
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("server.pem: cannot be read"));
  Put(Made("a"));
  WriteFile(files_.key_file, Made("b").KeyPem());
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("server.key: is not the key of"));
  WriteFile(files_.key_file, "nonsense");
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("server.key: has no private key"));
  Put(Made("a"));
  ASSERT_EQ(chmod(files_.key_file.c_str(), 0644), 0);
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("chmod 600"));
  Put(Made("a"));
  WriteFile(files_.certificate_file, "nonsense");
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("server.pem: has no certificate"));
  Put(Made("a"));
  files_.client_ca_file = folder_ / "none";
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("none: cannot be read"));
}

TEST_F(TlsIdentityTest, AServerDoesNotBeginWithACertificateOfAnotherTime) {
  Put(Made("a", -3600, -60));
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("has expired"));
  Put(Made("a", 60, 3600));
  EXPECT_THAT(ErrorOfCheck(), HasSubstr("not good yet"));
}

}  // namespace
}  // namespace kith::auth
