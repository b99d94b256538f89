#ifndef KITH_INDEX_GPU_PORTABLE_H_
#define KITH_INDEX_GPU_PORTABLE_H_

// The bodies of the kernels are templates over a block of warps (docs/gpu.md says what those
// offer). nvcc compiles them for the card, any C++ compiler for the tests on the host.
#if defined(__CUDACC__)
#define KITH_BODY __device__ __forceinline__
#define KITH_ANYWHERE __host__ __device__ __forceinline__
#define KITH_UNROLL _Pragma("unroll")
#else
#define KITH_BODY inline
#define KITH_ANYWHERE inline
#define KITH_UNROLL
#endif

#endif  // KITH_INDEX_GPU_PORTABLE_H_
