#include "env/source.h"

#include <doctest/doctest.h>

using namespace crucible;

TEST_CASE("byte order mark, CRLF and a missing last newline are fine") {
  CHECK_FALSE(malformed("\xEF\xBB\xBFint x;\r\n"));
  CHECK(normalised_text("\xEF\xBB\xBFint x;\r\nint y;") == "int x;\nint y;\n");
  CHECK(normalised_text("a\rb\n") == "a\rb\n");
}

TEST_CASE("what is no text is refused with its reason") {
  CHECK(malformed("")->find("empty") != std::string::npos);
  CHECK(malformed("\xEF\xBB\xBF \r\n")->find("empty") != std::string::npos);
  CHECK(malformed(std::string_view("a\0b", 3))->find("offset 1") != std::string::npos);
  CHECK(malformed("\xed\xa0\x80")->find("UTF-8") != std::string::npos);  // a lone surrogate
  CHECK_FALSE(malformed(std::string(kMaxSourceBytes, 'x')));
  CHECK(malformed(std::string(kMaxSourceBytes + 1, 'x')));
}
