#include "sandbox/launcher/cubin.h"

#include <elf.h>

#include <cstring>
#include <stdexcept>
#include <string_view>

namespace crucible {
namespace {

constexpr std::size_t kMaxGlobalBytes = 256ull << 20;

class Elf {
 public:
  explicit Elf(std::span<const std::byte> bytes) : bytes_(bytes) {
    header_ = read<Elf64_Ehdr>(0);
    if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0 || header_.e_ident[EI_CLASS] != ELFCLASS64)
      throw std::runtime_error("not a 64-bit ELF file");
    for (std::size_t i = 0; i < header_.e_shnum; ++i)
      sections_.push_back(read<Elf64_Shdr>(header_.e_shoff + i * sizeof(Elf64_Shdr)));
  }
  const std::vector<Elf64_Shdr>& sections() const { return sections_; }
  const Elf64_Shdr& section(std::size_t index) const {
    if (index >= sections_.size()) throw std::runtime_error("a section that is not there");
    return sections_[index];
  }
  std::string name(const Elf64_Shdr& s) const { return text(section(header_.e_shstrndx), s.sh_name); }
  std::string text(const Elf64_Shdr& table, std::uint64_t at) const {
    const std::span<const std::byte> all = slice(table.sh_offset, table.sh_size);
    if (at >= all.size()) throw std::runtime_error("a name outside its table");
    const auto* first = reinterpret_cast<const char*>(all.data()) + at;
    return {first, ::strnlen(first, all.size() - at)};
  }
  std::span<const std::byte> slice(std::uint64_t at, std::uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) throw std::runtime_error("a table outside the file");
    return bytes_.subspan(at, size);
  }
  template <class T>
  T read(std::uint64_t at) const {
    T value;
    std::memcpy(&value, slice(at, sizeof value).data(), sizeof value);
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Shdr> sections_;
};

}  // namespace

CubinContents read_cubin(std::span<const std::byte> cubin) {
  const Elf elf(cubin);
  CubinContents contents;
  std::size_t total = 0;
  for (const Elf64_Shdr& table : elf.sections()) {
    if (table.sh_type != SHT_SYMTAB) continue;
    const Elf64_Shdr& names = elf.section(table.sh_link);
    for (std::uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol = elf.read<Elf64_Sym>(table.sh_offset + i * sizeof(Elf64_Sym));
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= elf.sections().size()) continue;
      const Elf64_Shdr& home = elf.section(symbol.st_shndx);
      const std::string section = elf.name(home);
      const auto type = ELF64_ST_TYPE(symbol.st_info);
      if (type == STT_FUNC && section.starts_with(".text.") && ELF64_ST_BIND(symbol.st_info) != STB_LOCAL) {
        // Device functions have text sections of their own kind; a kernel's section is named after it.
        const std::string function = elf.text(names, symbol.st_name);
        if (section == ".text." + function) contents.kernels.push_back(function);
        continue;
      }
      if (type != STT_OBJECT) continue;
      if (!section.starts_with(".nv.global") && !section.starts_with(".nv.constant3")) continue;
      total += symbol.st_size;
      if (total > kMaxGlobalBytes) throw std::runtime_error("globals of more than 256 MiB");
      CubinGlobal global;
      global.name = elf.text(names, symbol.st_name);
      global.initial.resize(symbol.st_size);
      if (home.sh_type != SHT_NOBITS && symbol.st_size != 0) {
        const auto bytes = elf.slice(home.sh_offset, home.sh_size);
        if (symbol.st_value > bytes.size() || symbol.st_size > bytes.size() - symbol.st_value)
          throw std::runtime_error("a variable outside its section");
        std::memcpy(global.initial.data(), bytes.data() + symbol.st_value, symbol.st_size);
      }
      contents.globals.push_back(std::move(global));
    }
  }
  return contents;
}

}  // namespace crucible
