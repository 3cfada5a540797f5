# What env/'s parts share and which needs neither a sandbox nor a device: configuration, records, hashes.
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)

set(core ${CMAKE_CURRENT_LIST_DIR})
add_library(crucible_env_core STATIC
  ${core}/base64.cpp
  ${core}/config_error.cpp
  ${core}/record.cpp
  ${core}/record_read.cpp
  ${core}/record_write.cpp
  ${core}/reward_config.cpp
  ${core}/sha256.cpp)
add_library(crucible::env_core ALIAS crucible_env_core)
target_link_libraries(crucible_env_core
  PUBLIC crucible::reward crucible_options
  PRIVATE nlohmann_json::nlohmann_json ${YAML_CPP_LIBRARIES})
unset(core)
