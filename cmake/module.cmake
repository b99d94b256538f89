# Two functions every folder uses, so that a target is one line of names.
#
#   kith_library(NAME SOURCES a.cc a.h DEPS other)   a static library; headers are found from the root
#   kith_test(NAME SOURCES a_test.cc DEPS lib [LABEL unit])  a GoogleTest binary registered with ctest
#
# Unit tests of index, shard and common also get the label `asan` and hang on the target
# kith_asan_tests: scripts/test.sh builds and runs just those with the sanitizers. With
# ThreadSanitizer those of cmake/sanitizers.cmake get the label `tsan` and hang on kith_tsan_tests.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# Score bits must not depend on whether a compiler fuses a multiply and an add.
add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-Wall>
                    $<$<COMPILE_LANGUAGE:C,CXX>:-Wextra>
                    $<$<COMPILE_LANGUAGE:C,CXX>:-Wno-unused-parameter>
                    $<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off>)
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG -g1")

# Files of one target that are compiled eight at a time read their headers once: the six of public_rpc_test take
# 22 s of compiler instead of 127, a library under AddressSanitizer about half. So tests are, and what says
# kith_unity, everywhere but in the preset dev; and with GCC's sanitizers the libraries of KITH_UNITY_FOLDERS.
# In release each file of those is compiled by itself.
option(KITH_UNITY "Compile several files of a target at once" ON)
set(KITH_UNITY_FILES 8)
set(KITH_UNITY_FOLDERS "^(common|index|shard|coordinator)(/|$)")

find_program(KITH_CCACHE ccache)
if(KITH_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${KITH_CCACHE}")
endif()
find_program(KITH_MOLD mold)
if(KITH_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

function(kith_unity name)
  if(KITH_UNITY)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${KITH_UNITY_FILES})
  endif()
endfunction()

function(kith_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  if(KITH_SANITIZE MATCHES "^(address|thread)$" AND folder MATCHES "${KITH_UNITY_FOLDERS}")
    kith_unity(${name})
  endif()
endfunction()

function(kith_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  # What is tested is compiled as it ships; the tests themselves are compiled to be done sooner. A test
  # file under the sanitizers takes 4.2 s of compiler instead of 6.3, one of release 3.9 instead of 5.3,
  # and none runs longer for it.
  target_compile_options(${name} PRIVATE $<IF:$<BOOL:${KITH_SANITIZE}>,-O0,$<$<CONFIG:Release>:-O1>>)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  kith_unity(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  set(run "")
  if(KITH_SANITIZE STREQUAL "thread")
    set(run python3 -B "${CMAKE_SOURCE_DIR}/tests/tsan/run.py")
  endif()
  add_test(NAME ${name} COMMAND ${run} $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})

  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  if(folder MATCHES "^tests/unit/" AND NOT folder MATCHES "^tests/unit/(coordinator|cli|kithd|bench)")
    if(NOT TARGET kith_asan_tests)
      add_custom_target(kith_asan_tests)
    endif()
    add_dependencies(kith_asan_tests ${name})
    set_property(TEST ${name} APPEND PROPERTY LABELS asan)
  endif()

  if(KITH_SANITIZE STREQUAL "thread" AND folder MATCHES "${KITH_TSAN_FOLDERS}"
     AND NOT folder MATCHES "${KITH_TSAN_LEFT_OUT}")
    if(NOT TARGET kith_tsan_tests)
      add_custom_target(kith_tsan_tests)
    endif()
    add_dependencies(kith_tsan_tests ${name})
    set_property(TEST ${name} APPEND PROPERTY LABELS tsan)
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)
  endif()
endfunction()
