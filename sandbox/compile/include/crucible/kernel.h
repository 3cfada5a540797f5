/* What a Crucible kernel may include: DLPack's types and nothing heavy. Plain C and C++, no other header.
 *
 * The types below are those of DLPack 1.1 (https://github.com/dmlc/dlpack, include/dlpack/dlpack.h), binary compatible
 * with it. DLPack: Copyright (c) 2017 by Contributors, Apache License 2.0.
 *
 * A kernel may include a real dlpack.h instead or beside (either order), or declare the types itself without including
 * this file. To include this file and keep types of your own, define DLPACK_DLPACK_H_ first. */
#ifndef CRUCIBLE_KERNEL_H_
#define CRUCIBLE_KERNEL_H_

#ifndef DLPACK_DLPACK_H_
#define DLPACK_DLPACK_H_ /* the guard of the real dlpack.h */

#define DLPACK_MAJOR_VERSION 1
#define DLPACK_MINOR_VERSION 1
#define DLPACK_DLL
#ifdef __cplusplus
#define DLPACK_EXTERN_C extern "C"
#else
#define DLPACK_EXTERN_C
#endif

typedef enum { kDLCPU = 1, kDLCUDA = 2, kDLCUDAHost = 3, kDLCUDAManaged = 13 } DLDeviceType;

typedef struct {
  DLDeviceType device_type;
  __INT32_TYPE__ device_id;
} DLDevice;

typedef enum {
  kDLInt = 0U,
  kDLUInt = 1U,
  kDLFloat = 2U,
  kDLOpaqueHandle = 3U,
  kDLBfloat = 4U,
  kDLComplex = 5U,
  kDLBool = 6U,
  kDLFloat8_e3m4 = 7U,
  kDLFloat8_e4m3 = 8U,
  kDLFloat8_e4m3b11fnuz = 9U,
  kDLFloat8_e4m3fn = 10U,
  kDLFloat8_e4m3fnuz = 11U,
  kDLFloat8_e5m2 = 12U,
  kDLFloat8_e5m2fnuz = 13U,
  kDLFloat8_e8m0fnu = 14U,
  kDLFloat6_e2m3fn = 15U,
  kDLFloat6_e3m2fn = 16U,
  kDLFloat4_e2m1fn = 17U
} DLDataTypeCode;

typedef struct {
  __UINT8_TYPE__ code;   /* DLDataTypeCode */
  __UINT8_TYPE__ bits;   /* of one lane */
  __UINT16_TYPE__ lanes; /* 1 in Crucible */
} DLDataType;

/* The first element is at (char*)data + byte_offset; strides count elements. */
typedef struct {
  void* data;
  DLDevice device;
  __INT32_TYPE__ ndim;
  DLDataType dtype;
  __INT64_TYPE__* shape;
  __INT64_TYPE__* strides;
  __UINT64_TYPE__ byte_offset;
} DLTensor;

#endif /* DLPACK_DLPACK_H_ */
#endif /* CRUCIBLE_KERNEL_H_ */
