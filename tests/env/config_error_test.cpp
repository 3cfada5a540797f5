#include "env/config_error.h"

#include <doctest/doctest.h>

using namespace crucible;

TEST_CASE("a slip of the keyboard gets a suggestion, a foreign word gets the list") {
  const std::vector<std::string> known = {"softmax", "rms_norm", "layer_norm"};
  CHECK(did_you_mean("sofmax", known) == "; did you mean 'softmax'?");
  CHECK(did_you_mean("Softmax", known) == "; did you mean 'softmax'?");
  CHECK(did_you_mean("rsm_norm", known) == "; did you mean 'rms_norm'?");
  CHECK(did_you_mean("attention", known) == "; known: softmax, rms_norm, layer_norm");
  CHECK(did_you_mean("x", known) == "; known: softmax, rms_norm, layer_norm");
  CHECK(did_you_mean("x", {}) == "");
  CHECK(did_you_mean(std::string(1 << 20, 's'), known) == "; known: softmax, rms_norm, layer_norm");
}
