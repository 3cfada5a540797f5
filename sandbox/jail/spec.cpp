#include "sandbox/jail/spec.h"

#include "sandbox/packing.h"

namespace crucible {
namespace {

void pack_texts(Packer& packer, const std::vector<std::string>& texts) {
  packer.list(texts, [&](const std::string& text) { packer.text(text); });
}

std::vector<std::string> unpack_texts(Unpacker& unpacker) {
  std::vector<std::string> texts;
  unpacker.list([&] { texts.push_back(unpacker.text()); });
  return texts;
}

void pack_ints(Packer& packer, const std::vector<int>& values) {
  packer.list(values, [&](int value) { packer.number(static_cast<std::uint64_t>(static_cast<std::int64_t>(value))); });
}

std::vector<int> unpack_ints(Unpacker& unpacker) {
  std::vector<int> values;
  unpacker.list([&] { values.push_back(static_cast<int>(static_cast<std::int64_t>(unpacker.number()))); });
  return values;
}

void pack_spec(Packer& packer, const JailSpec& spec) {
  packer.text(spec.helper);
  packer.text(spec.program);
  pack_texts(packer, spec.arguments);
  pack_texts(packer, spec.environment);
  pack_ints(packer, spec.descriptor_targets);
  pack_texts(packer, spec.readable);
  pack_texts(packer, spec.programs);
  pack_texts(packer, spec.devices);
  packer.number(spec.work_directory_bytes);
  packer.list(spec.written, [&](const WrittenFile& file) {
    packer.text(file.name);
    packer.number(file.descriptor);
  });
  packer.list(spec.collected, [&](const CollectedFile& file) {
    packer.text(file.name);
    packer.number(file.max_bytes);
  });
  packer.number(spec.limits.address_space);
  packer.number(spec.limits.data);
  packer.number(spec.limits.file_size);
  packer.number(spec.limits.open_files);
  packer.number(spec.limits.processes);
  packer.number(spec.limits.stack);
  packer.number(spec.limits.cpu_seconds);
  packer.number(static_cast<std::uint64_t>(spec.deadline.count()));
  packer.number(spec.output_bytes);
  pack_ints(packer, spec.cpus);
  packer.number(static_cast<std::uint64_t>(spec.profile));
  packer.number(spec.trusted);
  packer.number(spec.notifier);
  packer.number(spec.private_proc);
}

JailSpec unpack_spec(Unpacker& unpacker) {
  JailSpec spec;
  spec.helper = unpacker.text();
  spec.program = unpacker.text();
  spec.arguments = unpack_texts(unpacker);
  spec.environment = unpack_texts(unpacker);
  spec.descriptor_targets = unpack_ints(unpacker);
  spec.readable = unpack_texts(unpacker);
  spec.programs = unpack_texts(unpacker);
  spec.devices = unpack_texts(unpacker);
  spec.work_directory_bytes = unpacker.number();
  unpacker.list([&] {
    std::string name = unpacker.text();
    spec.written.push_back({std::move(name), unpacker.number()});
  });
  unpacker.list([&] {
    std::string name = unpacker.text();
    spec.collected.push_back({std::move(name), unpacker.number()});
  });
  spec.limits.address_space = unpacker.number();
  spec.limits.data = unpacker.number();
  spec.limits.file_size = unpacker.number();
  spec.limits.open_files = unpacker.number();
  spec.limits.processes = unpacker.number();
  spec.limits.stack = unpacker.number();
  spec.limits.cpu_seconds = unpacker.number();
  spec.deadline = std::chrono::milliseconds(unpacker.number());
  spec.output_bytes = unpacker.number();
  spec.cpus = unpack_ints(unpacker);
  spec.profile = static_cast<SeccompProfile>(unpacker.number());
  spec.trusted = unpacker.number() != 0;
  spec.notifier = unpacker.number() != 0;
  spec.private_proc = unpacker.number() != 0;
  return spec;
}

void pack_walls(Packer& packer, const JailWalls& walls) {
  packer.number(walls.user_namespace);
  packer.number(walls.pid_namespace);
  packer.number(walls.mount_namespace);
  packer.number(walls.net_namespace);
  packer.number(walls.ipc_namespace);
  packer.number(walls.uts_namespace);
  packer.number(walls.own_uid);
  packer.number(walls.landlock);
  packer.number(walls.counts_processes);
  packer.number(walls.uid);
  packer.text(walls.scratch_directory);
}

JailWalls unpack_walls(Unpacker& unpacker) {
  JailWalls walls;
  walls.user_namespace = unpacker.number() != 0;
  walls.pid_namespace = unpacker.number() != 0;
  walls.mount_namespace = unpacker.number() != 0;
  walls.net_namespace = unpacker.number() != 0;
  walls.ipc_namespace = unpacker.number() != 0;
  walls.uts_namespace = unpacker.number() != 0;
  walls.own_uid = unpacker.number() != 0;
  walls.landlock = unpacker.number() != 0;
  walls.counts_processes = unpacker.number() != 0;
  walls.uid = static_cast<std::uint32_t>(unpacker.number());
  walls.scratch_directory = unpacker.text();
  return walls;
}

}  // namespace

std::string JailSpec::pack() const {
  Packer packer;
  pack_spec(packer, *this);
  return packer.bytes();
}

JailSpec JailSpec::unpack(std::string_view bytes) {
  Unpacker unpacker(bytes);
  return unpack_spec(unpacker);
}

std::string JailPlan::pack() const {
  Packer packer;
  pack_spec(packer, spec);
  pack_walls(packer, walls);
  return packer.bytes();
}

JailPlan JailPlan::unpack(std::string_view bytes) {
  Unpacker unpacker(bytes);
  JailPlan plan;
  plan.spec = unpack_spec(unpacker);
  plan.walls = unpack_walls(unpacker);
  return plan;
}

}  // namespace crucible
