// crucible-cudac: nvcc's stages, side by side, inside the compile jail. Asks nvcc for its commands (--dryrun reads no
// source), runs the host's and the device's branch in parallel, and leaves out the device link, which code without
// separate compilation does not need. Where nvcc's plan is not the expected one, nvcc itself is run.
//
//   crucible-cudac NVCC ARGUMENTS…       (ARGUMENTS name candidate.cu, -o candidate.so, --keep --keep-dir .)

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

using Command = std::vector<std::string>;

/// Splits one line of nvcc's plan: words, double quotes, and $NAME from the assignments before it.
Command words_of(const std::string& line, const std::map<std::string, std::string>& variables) {
  Command words;
  std::string word;
  bool quoted = false, any = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      any = true;
    } else if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == '$') {
      std::size_t end = i + 1;
      while (end < line.size() && (std::isalnum(static_cast<unsigned char>(line[end])) != 0 || line[end] == '_')) ++end;
      const auto found = variables.find(line.substr(i + 1, end - i - 1));
      if (found != variables.end()) word += found->second;
      any = true;
      i = end - 1;
    } else if (c == ' ' && !quoted) {
      if (any) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) words.push_back(word);
  return words;
}

bool has(const Command& command, const std::string& word) {
  return std::find(command.begin(), command.end(), word) != command.end();
}
bool mentions(const Command& command, const std::string& part) {
  return std::any_of(command.begin(), command.end(), [&](const std::string& w) { return w.find(part) != w.npos; });
}
std::string name_of(const Command& command) {
  return command.empty() ? "" : command[0].substr(command[0].rfind('/') + 1);
}
std::string after(const Command& command, const std::string& option) {
  const auto at = std::find(command.begin(), command.end(), option);
  return at == command.end() || at + 1 == command.end() ? "" : *(at + 1);
}

pid_t start(const Command& command) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  std::perror(arguments[0]);
  ::_exit(127);
}

/// Waits for one child; its exit code, 128 + signal when it was killed.
int finish(pid_t child) {
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) < 0) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void require(pid_t child) {
  if (const int code = finish(child); code != 0) ::_exit(code);
}
void run(const Command& command) { require(start(command)); }

/// A branch of stages in a process of its own, so that the other one goes on meanwhile.
template <class Stages>
pid_t branch(Stages stages) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  stages();
  ::_exit(0);
}

struct Plan {
  Command host_text, device_text, front_end, device_compile, assemble, bundle, host_compile, link;
  bool complete() const {
    for (const Command* c :
         {&host_text, &device_text, &front_end, &device_compile, &assemble, &bundle, &host_compile, &link})
      if (c->empty()) return false;
    return true;
  }
};

/// What nvcc says it would do.
Plan plan_of(Command nvcc) {
  nvcc.insert(nvcc.begin() + 1, "--dryrun");
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    const pid_t inner = start(nvcc);
    ::_exit(finish(inner));
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  if (finish(child) != 0) return {};
  Plan plan;
  std::map<std::string, std::string> variables;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with("#$ ")) continue;
    line.erase(0, 3);
    const std::size_t equals = line.find('=');
    if (equals != line.npos && equals > 0 && line.find_first_of(" \"/") > equals) {
      const std::string name = line.substr(0, equals), value = line.substr(equals + 1);
      variables[name] = value;
      if (name == "PATH" || name == "LD_LIBRARY_PATH") ::setenv(name.c_str(), value.c_str(), 1);
      continue;
    }
    const Command command = words_of(line, variables);
    const std::string name = name_of(command);
    if (has(command, "-E") && mentions(command, ".cpp4.ii"))
      plan.host_text = command;
    else if (has(command, "-E") && mentions(command, ".cpp1.ii"))
      plan.device_text = command;
    else if (name == "cudafe++")
      plan.front_end = command;
    else if (name == "cicc")
      plan.device_compile = command;
    else if (name == "ptxas")
      plan.assemble = command;
    else if (name == "fatbinary" && !has(command, "-link"))
      plan.bundle = command;
    else if (has(command, "-c") && mentions(command, ".cudafe1.cpp"))
      plan.host_compile = command;
    else if (has(command, "-shared") && mentions(command, "candidate.so"))
      plan.link = command;
  }
  return plan;
}

/// Writes the file through which both branches agree on names of local symbols.
bool write_module_id(Plan& plan) {
  const std::string file = after(plan.device_compile, "--module_id_file_name");
  if (file.empty() || file != after(plan.front_end, "--module_id_file_name")) return false;
  std::erase(plan.front_end, "--gen_module_id_file");
  std::ofstream(file) << "_6372c1b1_12_candidate_cu_crucible";
  return true;
}

/// The text through which the host's code includes the device's: names its bytes, which only the assembler reads.
bool write_inclusion(const Plan& plan) {
  const std::string file = after(plan.device_compile, "--include_file_name");
  if (file.empty()) return false;
  std::ofstream(file) << "#include \"fatbinary_section.h\"\n"
                         "#define __CUDAFATBINSECTION  \".nvFatBinSegment\"\n"
                         "#define __CUDAFATBINDATASECTION  \".nv_fatbin\"\n"
                         "asm(\n"
                         "\".section .nv_fatbin, \\\"a\\\"\\n\"\n"
                         "\".align 8\\n\"\n"
                         "\"fatbinData:\\n\"\n"
                         "\".incbin \\\"crucible.fatbin\\\"\\n\"\n"
                         "\".text\\n\");\n"
                         "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                         "extern const unsigned long long fatbinData[2];\n"
                         "#ifdef __cplusplus\n}\n#endif\n"
                         "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                         "static const __fatBinC_Wrapper_t __fatDeviceText __attribute__ ((aligned (8))) "
                         "__attribute__ ((section (__CUDAFATBINSECTION)))= { 0x466243b1, 1, fatbinData, 0 };\n"
                         "#ifdef __cplusplus\n}\n#endif\n";
  return true;
}

/// The whole text of a small file into `to`, in a process of its own: opening a pipe waits for its reader.
pid_t pour(const char* from, const char* to) {
  return branch([&] {
    std::ifstream in(from, std::ios::binary);
    std::ofstream out(to, std::ios::binary);
    out << in.rdbuf();
  });
}

/// Waits for every one of `children`; the first that fails ends the compilation, and with it the others.
void require_all(std::vector<pid_t> children) {
  while (!children.empty()) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0) ::_exit(127);
    if (!WIFEXITED(status)) ::_exit(128 + WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) ::_exit(WEXITSTATUS(status));
    std::erase(children, ended);
  }
}

/// Device: text → PTX and the host's stub → cubin → bundle. Host: text → its own part → assembly. The host's compiler
/// includes the stub at the very end of a long text: it reads it from a pipe, and so need not wait for it before.
int in_parallel(Plan plan) {
  plan.host_text.emplace_back("-Wp,-MD,candidate.d");  // which files are headers and which lines the author's
  const std::string stub = after(plan.front_end, "--stub_file_name");
  const bool piped = !stub.empty() && ::mkfifo(stub.c_str(), 0600) == 0;
  if (piped)  // the device compiler writes to plain files only
    for (std::string& word : plan.device_compile)
      if (word == stub || word == "./" + stub) word = "stub.plain.c";
  Command to_assembly = plan.host_compile;
  std::replace(to_assembly.begin(), to_assembly.end(), std::string("-c"), std::string("-S"));
  const std::string object = after(to_assembly, "-o");
  std::replace(to_assembly.begin(), to_assembly.end(), object, std::string("candidate.s"));

  const pid_t device = branch([&] {
    run(plan.device_text);
    run(plan.device_compile);
    const pid_t poured = piped ? pour("stub.plain.c", stub.c_str()) : -1;
    run(plan.assemble);
    Command bundle = plan.bundle;
    std::erase_if(bundle,
                  [](const std::string& w) { return w.starts_with("--embedded-fatbin") || w.starts_with("--create"); });
    bundle.emplace_back("--create=crucible.fatbin");
    run(bundle);
    if (piped) require(poured);
  });
  const pid_t host = branch([&] {
    run(plan.host_text);
    run(plan.front_end);
    if (piped) run(to_assembly);
  });
  require_all({device, host});
  if (!piped) run(to_assembly);
  run({plan.host_compile[0], "-c", "candidate.s", "-o", object});
  std::erase_if(plan.link, [](const std::string& w) { return w.find("_dlink.o") != w.npos; });
  return finish(start(plan.link));
}

}  // namespace

int main(int count, char** given) {
  if (count < 3) {
    std::fprintf(stderr, "usage: crucible-cudac NVCC ARGUMENTS…\n");
    return 2;
  }
  Command nvcc(given + 1, given + count);
  Plan plan = plan_of(nvcc);
  if (!plan.complete() || !write_module_id(plan) || !write_inclusion(plan)) return finish(start(nvcc));
  return in_parallel(plan);
}
