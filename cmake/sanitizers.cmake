# KITH_SANITIZE=address|thread|fuzz builds everything of ours with that sanitizer; fuzz is address,
# for clang, with what its libFuzzer sees coverage by.
set(KITH_SANITIZE "" CACHE STRING "address (with undefined), thread or fuzz")
if(KITH_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(KITH_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(KITH_SANITIZE STREQUAL "fuzz")
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "KITH_SANITIZE=fuzz needs clang: scripts/install_dependencies.sh --fuzz")
  endif()
  # The two left out look into types of libraries that were compiled without them.
  add_compile_options(-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=vptr,function
                      -fno-sanitize-recover=undefined -fno-omit-frame-pointer
                      -Wno-unknown-warning-option)
  add_link_options(-fsanitize=address,undefined)
elseif(KITH_SANITIZE)
  message(FATAL_ERROR "KITH_SANITIZE=${KITH_SANITIZE}: say address, thread or fuzz")
endif()

# Whose tests scripts/tsan.sh runs. Not those of common/rpc, nor the contracts over gRPC: whatever gRPC
# hands from thread to thread would be reported, because what orders it there is invisible
# (tests/tsan/run.py).
set(KITH_TSAN_FOLDERS "^tests/unit/")
set(KITH_TSAN_LEFT_OUT "^tests/unit/common_rpc")
