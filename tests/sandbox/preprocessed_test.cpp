#include "sandbox/compile/preprocessed.h"

#include <doctest/doctest.h>

#include "sandbox/compile/toolchain.h"

using namespace crucible;

TEST_CASE("headers vanish, own lines stay") {
  const std::string text =
      "# 0 \"candidate.cpp\"\n# 0 \"<built-in>\"\n# 1 \"/usr/include/stdc-predef.h\" 1 3 4\nhidden\n"
      "# 0 \"<command-line>\" 2\n# 1 \"candidate.cpp\"\nmine 1\n# 1 \"/usr/include/a.h\" 1 3\n"
      "hidden\n# 5 \"/usr/include/b.h\" 1 3\nhidden\n# 9 \"/usr/include/a.h\" 2 3\nhidden\n# 3 \"candidate.cpp\" "
      "2\nmine 2\n";
  const std::string listed =
      "candidate.so: candidate.cpp /usr/include/stdc-predef.h \\\n /usr/include/a.h /usr/include/b.h\n";
  CHECK(own_lines(text, listed) == "mine 1\nmine 2\n");
}

TEST_CASE("headers of others are told from the toolchain's") {
  const std::string own =
      "candidate.so: candidate.cpp include/crucible/kernel.h /usr/include/math.h \\\n"
      " /usr/include/c++/12/cmath /usr/include/x86_64-linux-gnu/bits/types.h";
  CHECK(foreign_header(own, "candidate.cpp", "") == "");
  CHECK(foreign_header(own + " /usr/include/eigen3/Eigen/Core", "candidate.cpp", "") ==
        "/usr/include/eigen3/Eigen/Core");
  CHECK(foreign_header(own + " /usr/include/c++/../eigen3/x.h", "candidate.cpp", "") == "/usr/include/eigen3/x.h");
  CHECK(foreign_header(own + " /opt/gcc/include/x.h", "candidate.cpp", "") == "/opt/gcc/include/x.h");
  CHECK(foreign_header(own + " /opt/gcc/include/x.h", "candidate.cpp", "/opt/gcc") == "");
}

TEST_CASE("a forged marker hides nothing") {
  // A file that the compiler never read.
  CHECK(own_lines("# 1 \"candidate.cpp\"\n# 1 \"/usr/include/x.h\" 1 3\nsecret\n", "c: candidate.cpp") == "secret\n");
  // A file that it did read, claimed a second time.
  const std::string twice =
      "# 1 \"/usr/include/a.h\" 1 3\nreal\n# 2 \"candidate.cpp\" 2\n# 1 \"/usr/include/a.h\" 1 3\nsecret\n";
  CHECK(own_lines(twice, "c: candidate.cpp /usr/include/a.h").find("secret") != std::string::npos);
  // #line without a movement changes nothing.
  CHECK(own_lines("# 1 \"/usr/include/x.h\"\nmine\n", "") == "mine\n");
}
