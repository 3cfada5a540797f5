#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

/// A few edits of the kinds that find most: bytes changed, cut, repeated, exchanged with another input's.
std::string mutant(const std::vector<std::string>& inputs, std::mt19937& random) {
  std::string text = inputs[random() % inputs.size()];
  const std::string& other = inputs[random() % inputs.size()];
  for (unsigned edits = 1 + random() % 8; edits > 0; --edits) {
    if (text.empty()) text = "x";
    const std::size_t at = random() % text.size();
    switch (random() % 6) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << random() % 8));
        break;
      case 2:
        text.erase(at, random() % 32);
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), random() % 64));
        break;
      case 4:
        if (!other.empty()) text.insert(at, other.substr(random() % other.size(), random() % 128));
        break;
      default:
        text.replace(at, 8, std::string(8, random() % 2 == 0 ? '\xff' : '\0'));
    }
  }
  return text;
}

}  // namespace

/// Runs a fuzz target over the files of a folder and over seeded mutants of them, whatever the compiler. What is being
/// run lies in the file that is named when it crashes. An empty folder is a failure, not a success.
int main(int count, char** arguments) {
  if (count != 2) return std::fputs("usage: fuzz_NAME_corpus FOLDER\n", stderr), 2;
  std::vector<std::string> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    inputs.push_back(text.str());
    run(inputs.back());
  }
  if (inputs.empty()) return 1;
  const char* asked = std::getenv("CRUCIBLE_FUZZ_SECONDS");
  const double seconds = asked != nullptr ? std::atof(asked) : 1;
  const std::string last = std::string(arguments[0]) + ".last";
  std::printf("%zu inputs; a mutant that crashes is left in %s\n", inputs.size(), last.c_str());
  std::mt19937 random(20);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::uint64_t mutants = 0;
  for (; std::chrono::steady_clock::now() < end; ++mutants) {
    const std::string text = mutant(inputs, random);
    if (std::FILE* file = std::fopen(last.c_str(), "wb")) {
      std::fwrite(text.data(), 1, text.size(), file);
      std::fclose(file);
    }
    run(text);
  }
  std::filesystem::remove(last);
  std::printf("%llu mutants\n", static_cast<unsigned long long>(mutants));
  return 0;
}
