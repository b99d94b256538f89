# KITH_CUDA is for the kernels that will run on a GPU. There are none yet: it looks for a CUDA compiler,
# says what it found, and the build is the same with and without.
option(KITH_CUDA "Build the GPU kernels where there is a CUDA compiler (none are written yet)" OFF)
if(KITH_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    message(NOTICE "kith: found ${CMAKE_CUDA_COMPILER}, but there is no GPU code yet: "
                   "this builds what the release preset builds")
  else()
    message(NOTICE "kith: KITH_CUDA is on, but there is no CUDA compiler, and no GPU code yet: "
                   "this builds what the release preset builds")
  endif()
endif()
