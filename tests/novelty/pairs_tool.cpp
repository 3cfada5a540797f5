/// Views of many pairs at once, for the offline evaluation: reads lines "NAME<tab>ENTRY<tab>TEXT<tab>GIMPLE<tab>ROLE"
/// (ROLE is known or query; a name is FAMILY/KERNEL[@DISGUISE]) and writes every query against every known kernel of
/// its family, tab-separated, with the raw views and the calibrated similarity. ENTRY "cuda" means that GIMPLE is PTX.
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "reward/novelty/novelty.h"

namespace {

using namespace crucible;

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Item {
  std::string name, family;
  bool known = false;
  KernelFeatures features;
};

}  // namespace

int main(int count, char** arguments) {
  const bool dump = count > 1 && std::string(arguments[1]) == "--features";
  const bool alone = count > 1 && std::string(arguments[1]) == "--alone";  // each known kernel is a set of its own
  std::vector<Item> items;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream fields(line);
    std::string name, entry, text, gimple, role;
    std::getline(fields, name, '\t');
    std::getline(fields, entry, '\t');
    std::getline(fields, text, '\t');
    std::getline(fields, gimple, '\t');
    std::getline(fields, role, '\t');
    const std::string preprocessed = slurp(text), compiled = slurp(gimple);
    Item item;
    item.name = name;
    item.family = name.substr(0, name.find('/'));
    item.known = role == "known";
    item.features = entry == "cuda" ? extract_features(CudaSource{preprocessed, compiled, {}})
                                    : extract_features(CpuSource{preprocessed, compiled, {}, entry});
    if (!item.features.failure.empty()) std::cerr << name << ": " << item.features.failure << '\n';
    items.push_back(std::move(item));
  }
  if (dump) {
    for (const Item& item : items)
      for (const auto& [view, set] :
           {std::pair{"slices", &item.features.slices}, std::pair{"accesses", &item.features.accesses},
            std::pair{"chains", &item.features.chains}, std::pair{"opcodes", &item.features.opcodes}})
        for (std::uint64_t f : *set) std::cout << item.name << '\t' << view << '\t' << f << '\n';
    return 0;
  }
  std::map<std::string, novelty::FeatureWeights> weights;
  for (const Item& item : items) {
    if (alone || !item.known || weights.count(item.family) != 0) continue;
    std::vector<const KernelFeatures*> family;
    for (const Item& other : items)
      if (other.known && other.family == item.family) family.push_back(&other.features);
    weights.emplace(item.family, novelty::FeatureWeights(family));
  }
  std::cout << "query\tknown\ttokens\topcodes\tslices\tcontainment\tsimilarity\n";
  for (const Item& query : items)
    for (const Item& known : items) {
      if (!known.known || known.family != query.family || query.name == known.name) continue;
      const Similarity seen = compare(query.features, known.features, weights[known.family]);
      std::cout << query.name << '\t' << known.name;
      for (const char* view : {"tokens", "opcodes", "slices", "containment"}) {
        double value = 0;
        for (const auto& [name, raw] : seen.views)
          if (name == view) value = raw;
        std::cout << '\t' << value;
      }
      std::cout << '\t' << seen.similarity << '\n';
    }
}
