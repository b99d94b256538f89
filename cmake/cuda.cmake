# KITH_CUDA=ON (the preset cuda) builds the kernels of index/gpu where there is a CUDA compiler of 12.8
# or newer, and says what is missing where there is none: then the stub is linked, and searches run on
# the CPU. KITH_HAVE_CUDA says which it is.
option(KITH_CUDA "Build the GPU kernels where there is a CUDA compiler" OFF)
set(KITH_HAVE_CUDA FALSE)
if(KITH_CUDA)
  # Ampere, Hopper with its own instructions, Blackwell.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80-real;90a-real;100-real")
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
  endif()
  if(NOT CMAKE_CUDA_COMPILER)
    message(NOTICE "kith: KITH_CUDA is on, but there is no CUDA compiler: no card will be used")
  elseif(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.8)
    message(NOTICE "kith: ${CMAKE_CUDA_COMPILER} is ${CMAKE_CUDA_COMPILER_VERSION}, older than 12.8: "
                   "no card will be used")
  else()
    set(KITH_HAVE_CUDA TRUE)
    # CMake 3.25 does not know yet that nvcc has it.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    # Ranks are equal to the CPU's to the bit: no fused multiply and add there either.
    # 2810: assigning a [[nodiscard]] value gives a reference to one, which it takes for one thrown away.
    add_compile_options($<$<COMPILE_LANGUAGE:CUDA>:--fmad=false>
                        $<$<COMPILE_LANGUAGE:CUDA>:--diag-suppress=2810>)
  endif()
endif()
