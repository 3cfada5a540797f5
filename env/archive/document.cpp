#include "env/archive/document.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "env/base64.h"

namespace crucible::archive {
namespace {

constexpr const char* kFormat = "crucible-archive";
constexpr int kVersion = 1;

std::string text_of(const nlohmann::json& kernel, const char* key, std::size_t index, bool needed) {
  const auto at = kernel.find(key);
  if (at == kernel.end() && !needed) return {};
  if (at == kernel.end() || !at->is_string())
    throw std::runtime_error("archive document: kernels[" + std::to_string(index) + "]." + key + " is not a text");
  return at->get<std::string>();
}

}  // namespace

std::string to_document(const std::vector<ArchivedKernel>& kernels, const std::vector<ArchiveSnapshot>& snapshots) {
  nlohmann::ordered_json out;
  out["format"] = kFormat;
  out["version"] = kVersion;
  out["snapshots"] = nlohmann::ordered_json::array();
  for (const ArchiveSnapshot& s : snapshots)
    out["snapshots"].push_back(
        {{"epoch", s.epoch}, {"kernels", s.kernels}, {"hash", s.hash}, {"advanced", s.advanced}});
  out["kernels"] = nlohmann::ordered_json::array();
  for (const ArchivedKernel& kernel : kernels) {
    nlohmann::ordered_json one = {{"task", kernel.task},       {"name", kernel.name},     {"origin", kernel.origin},
                                  {"backend", kernel.backend}, {"device", kernel.device}, {"added", kernel.added}};
    if (kernel.speedup) one["speedup"] = *kernel.speedup;
    one["source"] = kernel.source;
    one["features"] = base64_encode(to_bytes(kernel.features));
    out["kernels"].push_back(std::move(one));
  }
  return out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<ArchivedKernel> from_document(std::string_view document) {
  const nlohmann::json json = nlohmann::json::parse(document, nullptr, false);
  if (json.is_discarded() || !json.is_object() || json.value("format", "") != kFormat)
    throw std::runtime_error("this is not an exported archive");
  if (const auto version = json.find("version"); version == json.end() || *version != kVersion)
    throw std::runtime_error("archive document: unknown version");
  const auto list = json.find("kernels");
  if (list == json.end() || !list->is_array()) throw std::runtime_error("archive document: kernels is not a list");
  std::vector<ArchivedKernel> out;
  for (const nlohmann::json& one : *list) {
    const std::size_t index = out.size();
    if (!one.is_object())
      throw std::runtime_error("archive document: kernels[" + std::to_string(index) + "] is not a mapping");
    ArchivedKernel kernel;
    kernel.task = text_of(one, "task", index, true);
    kernel.name = text_of(one, "name", index, true);
    kernel.origin = text_of(one, "origin", index, false);
    kernel.backend = text_of(one, "backend", index, false);
    kernel.device = text_of(one, "device", index, false);
    kernel.source = text_of(one, "source", index, true);
    if (const auto speedup = one.find("speedup"); speedup != one.end() && speedup->is_number())
      kernel.speedup = speedup->get<double>();
    const auto features = base64_decode(text_of(one, "features", index, true));
    if (!features)
      throw std::runtime_error("archive document: kernels[" + std::to_string(index) + "].features is not base64");
    kernel.features = features_from_bytes(*features);
    out.push_back(std::move(kernel));
  }
  return out;
}

}  // namespace crucible::archive
