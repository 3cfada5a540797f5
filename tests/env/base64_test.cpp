#include "env/base64.h"

#include <doctest/doctest.h>

using namespace crucible;

TEST_CASE("base64 gives the vectors of RFC 4648") {
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foo") == "Zm9v");
  CHECK(base64_encode("foobar") == "Zm9vYmFy");
}

TEST_CASE("base64 returns every byte string of any length") {
  std::string bytes;
  for (int i = 0; i < 520; ++i) {
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
    bytes.push_back(static_cast<char>(i * 31 + 7));
  }
}

TEST_CASE("base64 refuses what it would not have written") {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Z g=", "Zm9v=m9v", "Zm9v\n", "Z\xff=="}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode(text).has_value());
  }
}

TEST_CASE("UTF-8 is judged as the standard does") {
  for (const char* good :
       {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xef\xbb\xbf"}) {
    CHECK(is_utf8(good));
  }
  CHECK(is_utf8(std::string_view("a\0b", 3)));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xc3", "\xff", "\xc3\x28"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}
