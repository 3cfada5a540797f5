#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/warden/warden.h"

namespace crucible {

/// Types of the messages between a client and the warden. Every question is answered with its own type, or with
/// `kError` and a text.
inline constexpr const char* kHello = "hello";      ///< → a packed Isolation
inline constexpr const char* kJail = "jail";        ///< JailSpec and its descriptors → the owner's end of its init
inline constexpr const char* kTrusted = "trusted";  ///< TrustedRequest → the other end of its descriptor 3
inline constexpr const char* kFreeze = "freeze";    ///< "1" stops every compile jail, "0" no longer wants it
inline constexpr const char* kError = "error";

/// Descriptor numbers that a warden starts with.
inline constexpr int kWardenClientDescriptor = 3;

struct TrustedRequest {
  std::string executable;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

std::string pack(const TrustedRequest& request);
TrustedRequest unpack_trusted_request(std::string_view bytes);

/// What the warden reached, and why it is not more.
struct IsolationAnswer {
  Isolation isolation;
  std::string missing;
};
std::string pack(const IsolationAnswer& answer);
IsolationAnswer unpack_isolation_answer(std::string_view bytes);

}  // namespace crucible
