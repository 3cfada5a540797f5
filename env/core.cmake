# What env/'s parts share and which needs neither a sandbox nor a device: configuration, records, hashes.
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)

add_library(crucible_env_core STATIC
  base64.cpp
  config_error.cpp
  sha256.cpp)
add_library(crucible::env_core ALIAS crucible_env_core)
target_link_libraries(crucible_env_core PUBLIC crucible_options)
