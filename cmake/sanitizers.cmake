# KITH_SANITIZE=address|thread builds everything of ours with that sanitizer.
set(KITH_SANITIZE "" CACHE STRING "address (with undefined) or thread")
if(KITH_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(KITH_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(KITH_SANITIZE)
  message(FATAL_ERROR "KITH_SANITIZE=${KITH_SANITIZE}: say address or thread")
endif()
