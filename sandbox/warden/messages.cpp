#include "sandbox/warden/messages.h"

#include "sandbox/packing.h"

namespace crucible {

std::string pack(const TrustedRequest& request) {
  Packer packer;
  packer.text(request.executable);
  packer.list(request.arguments, [&](const std::string& text) { packer.text(text); });
  packer.list(request.environment, [&](const std::string& text) { packer.text(text); });
  return packer.bytes();
}

TrustedRequest unpack_trusted_request(std::string_view bytes) {
  Unpacker unpacker(bytes);
  TrustedRequest request;
  request.executable = unpacker.text();
  unpacker.list([&] { request.arguments.push_back(unpacker.text()); });
  unpacker.list([&] { request.environment.push_back(unpacker.text()); });
  return request;
}

std::string pack(const IsolationAnswer& answer) {
  Packer packer;
  packer.text(answer.isolation.level);
  packer.text(answer.missing);
  packer.list(answer.isolation.walls, [&](const auto& wall) {
    packer.text(wall.first);
    packer.number(wall.second);
  });
  return packer.bytes();
}

IsolationAnswer unpack_isolation_answer(std::string_view bytes) {
  Unpacker unpacker(bytes);
  IsolationAnswer answer;
  answer.isolation.level = unpacker.text();
  answer.missing = unpacker.text();
  unpacker.list([&] {
    std::string name = unpacker.text();
    answer.isolation.walls[std::move(name)] = unpacker.number() != 0;
  });
  return answer;
}

}  // namespace crucible
